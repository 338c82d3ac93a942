import socketio

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


def choose(board, mine):
    free = [cell for cell in range(9) if not board[cell]]
    for mark in (mine, "O" if mine == "X" else "X"):  # win, else block
        for cell in free:
            after = [*board[:cell], mark, *board[cell + 1 :]]
            if any(all(after[one] == mark for one in line) for line in LINES):
                return cell
    return 4 if 4 in free else free[0]


async def move(client, session_id, cell):
    request = {"session_id": session_id, "action": {"cell": cell}}
    while True:
        answer = await client.call("game_action", request)
        if answer["ok"] or answer["error"]["code"] != "busy":
            return  # taken; or too late, and why is the next message


async def bot(url, session_id):
    async with socketio.AsyncSimpleClient() as client:
        await client.connect(url)
        _, welcome = await client.receive()
        me = welcome["client_id"]
        await client.emit("join_game_session", {"session_id": session_id})
        while True:
            name, message = await client.receive()
            if name == "player_left_game" and len(message["players"]) < 2:
                return "left"
            if name == "player_joined_game" and message["player"]["client_id"] == me:
                mark = "X" if message["players"][0]["client_id"] == me else "O"
                state = message["session"]["state"]
            elif name == "game_action_broadcast":
                state = message["state"]
            else:
                continue
            if state["draw"]:
                return "draw"
            if state["winner"]:
                return "won" if state["winner"]["client_id"] == me else "lost"
            if state["turn"]["client_id"] == me:
                await move(client, session_id, choose(state["board"], mark))
