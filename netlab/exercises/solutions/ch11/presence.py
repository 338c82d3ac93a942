from socketio.exceptions import ConnectionRefusedError


def presence(sio):
    names = {}  # of each connection
    refs = {}  # of each person

    @sio.event
    async def connect(sid, environ, auth=None):
        name = auth.get("name") if isinstance(auth, dict) else None
        if not is_text(name, 20):
            raise ConnectionRefusedError('a name, please: {"name": …}')
        is_first = name not in names.values()
        names[sid] = name
        await sio.emit("here", {"names": sorted(set(names.values()))}, to=sid)
        if is_first:
            await sio.emit("came", {"name": name}, skip_sid=sid)

    @sio.event
    async def disconnect(sid, reason=None):
        name = names.pop(sid)
        if name not in names.values():
            await sio.emit("left", {"name": name}, skip_sid=sid)

    @sio.event
    async def say(sid, data=None):
        if not isinstance(data, dict):
            return {"ok": False}
        text, ref = data.get("text"), data.get("ref")
        if not is_text(text, 500) or not is_text(ref, 100):
            return {"ok": False}
        used = refs.setdefault(names[sid], [])
        if ref not in used:
            used.append(ref)  # before the first await: it may come twice at the same time
            del used[:-100]
            await sio.emit("said", {"name": names[sid], "text": text}, skip_sid=sid)
        return {"ok": True}


def is_text(value, most):
    return isinstance(value, str) and len(value) <= most and value.strip() != ""
