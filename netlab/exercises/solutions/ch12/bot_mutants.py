"""Faulty variants of `bot`, each with the probe that catches it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
Bot = Callable[[str, str], Coroutine[Any, Any, Any]]


def _completing(board: list[str], mark: str) -> list[int]:
    return [
        cell
        for line in LINES
        for cell in line
        if not board[cell] and sum(board[one] == mark for one in line) == 2
    ]


def _left(name: str, message: dict[str, Any]) -> bool:
    return name == "player_left_game" and len(message["players"]) < 2


@dataclass
class _Ways:
    """How a bot goes about it; as it stands, rightly."""

    wins: bool = True
    blocks: bool = True
    order: str = "win first"
    always: str = ""
    free_only: bool = True
    in_turn: bool = True
    retries: bool = True
    any_refusal: bool = False
    role: str = "player"
    left: Callable[[str, dict[str, Any]], bool] = _left
    ends: Callable[[str], str] = str
    strict: bool = False

    def choose(self, board: list[str], mark: str) -> int:
        other = "O" if mark == "X" else "X"
        wins = _completing(board, mark) if self.wins else []
        blocks = _completing(board, other) if self.blocks else []
        cells = (wins or blocks) if self.order == "win first" else (blocks or wins)
        free = [cell for cell in range(9) if not board[cell] or not self.free_only]
        return (cells or free)[0]

    async def move(self, client: Any, session_id: str, cell: int) -> None:
        request = {"session_id": session_id, "action": {"cell": cell}}
        while True:
            answer = await client.call("game_action", request)
            if answer["ok"] or not self.retries:
                return
            if answer["error"]["code"] != "busy" and not self.any_refusal:
                return

    async def play(self, client: Any, url: str, session_id: str) -> str:
        await client.connect(url)
        me = (await client.receive())[1]["client_id"]
        request = {"session_id": session_id, "as": self.role}
        await client.emit("join_game_session", request)
        mark = self.always
        while True:
            name, message = await client.receive()
            if self.left(name, message):
                return "left"
            if name == "player_joined_game" and message["player"]["client_id"] == me:
                if not mark:
                    mark = "X" if message["players"][0]["client_id"] == me else "O"
                state = message["session"]["state"]
            elif name == "game_action_broadcast":
                state = message["state"]
            elif self.strict and name not in ("player_left_game", "player_joined_game"):
                raise ValueError(f"unknown event {name}")
            else:
                continue
            if state["draw"]:
                return self.ends("draw")
            if state["winner"]:
                return self.ends("won" if state["winner"]["client_id"] == me else "lost")
            if not self.in_turn or state["turn"]["client_id"] == me:
                await self.move(client, session_id, self.choose(state["board"], mark))


async def _disconnecting(ways: _Ways, url: str, session_id: str) -> str:
    import socketio

    async with socketio.AsyncSimpleClient() as client:
        return await ways.play(client, url, session_id)


async def bot_that_only_watches(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(role="spectator"), url, session_id)


async def bot_that_does_not_wait_for_its_turn(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(in_turn=False), url, session_id)


async def bot_that_does_not_look_for_free_cells(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(free_only=False, wins=False, blocks=False), url, session_id)


async def bot_that_is_always_o(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(always="O"), url, session_id)


async def bot_that_does_not_win(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(wins=False), url, session_id)


async def bot_that_blocks_before_it_wins(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(order="block first"), url, session_id)


async def bot_that_does_not_block(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(blocks=False), url, session_id)


async def bot_that_says_won_of_any_end(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(ends=lambda _: "won"), url, session_id)


async def bot_that_takes_a_guest_for_the_opponent(url: str, session_id: str) -> str:
    ways = _Ways(left=lambda name, _: name == "player_left_game")
    return await _disconnecting(ways, url, session_id)


async def bot_that_knows_no_other_events(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(strict=True), url, session_id)


async def bot_that_takes_away_for_left(url: str, session_id: str) -> str:
    def away(name: str, message: dict[str, Any]) -> bool:
        return name == "player_away" or _left(name, message)

    return await _disconnecting(_Ways(left=away), url, session_id)


async def bot_that_takes_only_away_for_left(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(left=lambda name, _: name == "player_away"), url, session_id)


async def bot_that_waits_for_ever(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(left=lambda *_: False), url, session_id)


async def bot_that_does_not_try_again(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(retries=False), url, session_id)


async def bot_that_tries_for_ever(url: str, session_id: str) -> str:
    return await _disconnecting(_Ways(any_refusal=True), url, session_id)


async def bot_that_stays(url: str, session_id: str) -> str:
    import socketio

    return await _Ways().play(socketio.AsyncSimpleClient(), url, session_id)


MUTANTS = (
    (bot_that_only_watches, "a whole game"),
    (bot_that_does_not_wait_for_its_turn, "a whole game"),
    (bot_that_does_not_look_for_free_cells, "a whole game"),
    (bot_that_stays, "a whole game"),
    (bot_that_is_always_o, "a win before a block"),
    (bot_that_does_not_win, "chances to win"),
    (bot_that_blocks_before_it_wins, "chances to win"),
    (bot_that_does_not_block, "threats to block"),
    (bot_that_says_won_of_any_end, "threats to block"),
    (bot_that_takes_a_guest_for_the_opponent, "guests"),
    (bot_that_knows_no_other_events, "guests"),
    (bot_that_takes_away_for_left, "an opponent who comes back"),
    (bot_that_takes_only_away_for_left, "an opponent who comes back"),
    (bot_that_waits_for_ever, "an opponent who leaves"),
    (bot_that_does_not_try_again, "a server that is busy"),
    (bot_that_tries_for_ever, "an opponent who leaves at once"),
)
