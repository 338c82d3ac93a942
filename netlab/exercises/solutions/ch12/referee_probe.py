from netlab.transports.socketio_client import SocketIOClient


def referee_probe(address):
    def client():
        return SocketIOClient(address, transports=["websocket"])

    with client() as ann, client() as ben, client() as eve:
        secret = ann.wait_for("welcome").secret
        ann.send("create_game_session", game_type="tic-tac-toe")
        table = ann.wait_for("game_session_created").session_id
        ben.send("join_game_session", session_id=table)
        ben.wait_for("player_joined_game")
        eve.call("join_game_session", session_id=table, **{"as": "spectator"})

        def moves(who, **action):
            return who.call("game_action", session_id=table, action=action)["ok"]

        assert not moves(ben, cell=0), "ben moved, and it was ann's turn"
        assert not moves(eve, cell=0), "eve moved, who only watches"
        assert moves(ann, cell=4, won=True), "a legal move was refused"
        told = ben.wait_for("game_action_broadcast")
        assert told.status == "playing", "ann said that she had won, and was believed"

        ann.close()
        with client() as again:
            again.send("hello", resume=secret)
            board = again.wait_for("player_back").session.state.board
            assert board == told.state.board, f"ann came back, and found {board}"
