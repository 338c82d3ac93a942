import asyncio
import json
from collections import deque
from secrets import token_hex

MAX_LINE_BYTES = 65_536
MAX_WAITING_BYTES = 1_000_000
MAX_CONTENT_BYTES = 4_096
REQUESTS = {"ping", "set_username", "join_room", "room_message", "private_message", "leave_room"}


async def chat_json(listener):
    await serve(listener, Chat())


async def serve(listener, chat):
    async def serve_one(reader, writer):
        person = chat.enter(lambda message: post(writer, message))
        try:
            while (line := await reader.readline()).endswith(b"\n"):
                chat.take(person, parsed(line))
                await writer.drain()  # who asks much must read the answers
        except (OSError, ValueError):
            pass  # it has vanished, or its line is too long
        finally:
            chat.leave(person)
            writer.close()

    server = await asyncio.start_server(serve_one, sock=listener, limit=MAX_LINE_BYTES)
    await server.serve_forever()


def post(writer, message):
    if not writer.is_closing():
        writer.write(json.dumps(message).encode() + b"\n")
        if writer.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
            writer.transport.abort()  # it does not read


def parsed(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # which is no request either


class Refused(Exception):
    """It cannot be done; the argument says why in a word."""


class Person:
    def __init__(self, send):
        self.id = token_hex(12)
        self.name = f"User_{self.id[:8]}"
        self.rooms = {}
        self.send = send  # takes a message, and never waits


class Room:
    def __init__(self, name):
        self.name = name
        self.members = {}  # by id, in the order in which they came
        self.history = deque(maxlen=50)


class Chat:
    """Who is here and says what; no socket, no waiting."""

    def __init__(self):
        self.people, self.rooms = {}, {}

    def enter(self, send):
        person = Person(send)
        self.people[person.id] = person
        send({"type": "welcome", "client_id": person.id, "username": person.name})
        return person

    def leave(self, person):
        if self.people.pop(person.id, None):
            for room in list(person.rooms.values()):
                self.depart(person, room)

    def take(self, person, request):
        """Do what is asked, or answer with an error."""
        try:
            self.do(person, request)
        except Refused as refusal:
            person.send(error(request, refusal))

    def do(self, person, request):
        if not isinstance(request, dict) or not isinstance(request.get("ref", ""), str):
            raise Refused("no request")
        kind = text_in(request, "type")
        if kind not in REQUESTS:
            raise Refused("unknown type")
        getattr(self, kind)(person, request)

    def answer(self, person, request, kind, **fields):
        person.send({"type": kind, **fields} | ref_of(request))

    def ping(self, person, request):
        self.answer(person, request, "pong")

    def set_username(self, person, request):
        name = name_in(request, "username")
        if self.called(name) not in (None, person):
            raise Refused("name taken")
        person.name = name
        self.answer(person, request, "username_set", username=name)

    def join_room(self, person, request):
        name = name_in(request, "room")
        room = self.rooms.setdefault(name.casefold(), Room(name))
        if person.id not in room.members:
            self.tell(room, "user_joined", person)
            room.members[person.id] = person
            person.rooms[name.casefold()] = room
        about = {"members_count": len(room.members), "message_history": list(room.history)}
        self.answer(person, request, "room_joined", room=room.name, **about)

    def room_message(self, person, request):
        room, content = self.room_in(person, request), content_in(request)
        said = {"type": "room_message", "room": room.name, **by(person), "content": content}
        room.history.append(said)
        for member in room.members.values():
            member.send(said | ref_of(request) if member is person else said)

    def private_message(self, person, request):
        target, content = text_in(request, "target"), content_in(request)
        other = self.people.get(target) or self.called(target.strip())
        if other is None:
            raise Refused("nobody there")
        to = {"to": other.name, "to_id": other.id, "content": content}
        self.answer(person, request, "private_message_sent", **to)
        other.send({"type": "private_message", **by(person), "content": content})

    def leave_room(self, person, request):
        room = self.room_in(person, request)
        self.answer(person, request, "room_left", room=room.name)
        self.depart(person, room)

    def depart(self, person, room):
        del room.members[person.id], person.rooms[room.name.casefold()]
        self.tell(room, "user_left", person)
        if not room.members:
            del self.rooms[room.name.casefold()]

    def tell(self, room, kind, person):
        who = {"client_id": person.id, "username": person.name}
        for member in room.members.values():
            member.send({"type": kind, "room": room.name, **who})

    def called(self, name):
        named = (one for one in self.people.values() if one.name.casefold() == name.casefold())
        return next(named, None)

    def room_in(self, person, request):
        room = person.rooms.get(name_in(request, "room").casefold())
        if room is None:
            raise Refused("not a member")
        return room


def text_in(request, field):
    if not isinstance(request.get(field), str):
        raise Refused(f"no {field}")
    return request[field]


def name_in(request, field):
    name = text_in(request, field).strip()
    if not 1 <= len(name) <= 32 or not name.isprintable():
        raise Refused(f"invalid {field}")
    return name


def content_in(request):
    content = text_in(request, "content")
    if len(content.encode("utf-8", "surrogatepass")) > MAX_CONTENT_BYTES:
        raise Refused("content too long")
    return content


def by(person):
    return {"from": person.name, "from_id": person.id}


def ref_of(request):
    return {"ref": request["ref"]} if "ref" in request else {}


def error(request, refusal):
    ref = request.get("ref") if isinstance(request, dict) else None
    code = str(refusal).replace(" ", "_")
    return {"type": "error", "code": code, "message": str(refusal), "in_reply_to": ref}
