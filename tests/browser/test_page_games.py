"""Games in the page: on both transports, against a client in Python, with somebody watching."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from netlab.core.chat import ChatService
from netlab.lab import Chaos, background
from netlab.transports import socketio_vendor
from netlab.transports.socketio_rooms import SocketIOClient, SocketIOServer
from netlab.transports.websocket import WebSocketClient, WebSocketServer
from tests.browser.conftest import missing
from tests.browser.test_pages import CONTRAST, PATIENCE_S, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SERVERS: dict[str, tuple[Any, Any]] = {
    "websocket": (WebSocketServer, WebSocketClient),
    "socketio": (SocketIOServer, SocketIOClient),
}


@pytest.fixture(params=SERVERS)
def house(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """A running server, and the class of its client."""
    server_class, client_class = SERVERS[request.param]
    if request.param == "socketio" and not socketio_vendor.vendored(socketio_vendor.VENDOR_PATH):
        missing("socket.io-client", "run `make foreign`")
    with background(server_class(ChatService), name="games-page") as server:
        yield server, client_class


class Player(Visitor):
    """Somebody who plays in the page."""

    def begins(self, title: str) -> None:
        self.page.get_by_role("button", name=f"New {title}").click()
        self.page.get_by_role("group", name=title).wait_for()

    def reads(self, standing: str) -> None:
        """Wait until the line below the board's title says so."""
        self.page.locator("#turn").filter(has_text=standing).wait_for()

    def puts(self, row: int, column: int) -> None:
        """Go to a cell and press it, with the keyboard alone."""
        cell = self.page.get_by_role("button", name=f"row {row}, column {column}:")
        cell.focus()
        self.page.keyboard.press("Enter")

    def sees(self, row: int, column: int, mark: str) -> None:
        self.page.get_by_role("button", name=f"row {row}, column {column}: {mark}").wait_for()


@pytest.fixture
def enter(browser: Browser, house: tuple[Any, Any]) -> Iterator[Any]:
    """A function that opens the page, and comes in under a name."""
    players: list[Player] = []
    with ExitStack() as contexts:

        def come_in(name: str, address: Any = house[0].address, **options: Any) -> Player:
            context = contexts.enter_context(browser.new_context(**options))
            player = Player(context.new_page(), "http://{}:{}/".format(*address))
            player.join(name, "arcade")
            players.append(player)
            return player

        yield come_in
        assert [complaint for player in players for complaint in player.complaints] == []


def came_in(house: tuple[Any, Any], name: str) -> Any:
    server, client_class = house
    client = client_class(server.address).connect()
    client.send("join_room", room="arcade", username=name)
    client.wait_for("room_joined", PATIENCE_S)
    return client


def test_a_whole_game_against_a_python_client(house: tuple[Any, Any], enter: Any) -> None:
    ann = enter("Ann")
    ann.begins("tic-tac-toe")
    ann.reads("you (X). Waiting for another player")
    with came_in(house, "kernel") as kernel:
        kernel.send("list_game_sessions")
        (session,) = kernel.wait_for("game_session_list", PATIENCE_S).sessions
        kernel.send("join_game_session", session_id=session.session_id)
        watcher = enter("Wim")
        watcher.page.get_by_role("button", name="Watch the Tic-tac-toe of Ann, kernel").click()
        watcher.reads("Ann (X) against kernel (O). Turn of Ann")
        ann.reads("you (X) against kernel (O). Your turn")
        for (row, column), answer in zip([(1, 1), (1, 2), (1, 3)], [4, 8, None], strict=True):
            ann.puts(row, column)
            moved = kernel.wait_for("game_action_broadcast", PATIENCE_S)
            assert moved.action == {"cell": column - 1}
            if answer is None:
                assert moved.state.winner.username == "Ann"
                break
            kernel.send("game_action", session_id=session.session_id, action={"cell": answer})
            kernel.wait_for("game_action_broadcast", PATIENCE_S)
            ann.sees(answer // 3 + 1, answer % 3 + 1, "O")
            ann.reads("Your turn")
        ann.reads("Winner: you")
        watcher.reads("Winner: Ann")
        watcher.sees(3, 3, "O")


def test_out_of_turn_nothing_is_asked(house: tuple[Any, Any], enter: Any) -> None:
    ann = enter("Ann")
    ann.begins("connect four")
    ben = enter("Ben")
    ben.page.get_by_role("button", name="Play the Connect four of Ann").click()
    ben.reads("Ann (X) against you (O). Turn of Ann")
    ben.puts(1, 1)  # not his turn
    ann.reads("Your turn")
    ann.puts(1, 4)  # a mark falls
    ben.sees(6, 4, "X")
    ben.reads("Your turn")
    ben.puts(6, 4)  # any cell of the column
    ann.sees(5, 4, "O")
    assert ben.page.get_by_role("alert").filter(has_text="turn").count() == 0
    ben.page.get_by_role("button", name="Leave the game").click()
    ann.hears("Ben left the game")


def test_who_is_lost_comes_back_to_the_board(house: tuple[Any, Any], enter: Any) -> None:
    with Chaos(house[0].address) as wire:
        ann, ben = enter("Ann", address=wire.address), enter("Ben")
        ann.begins("tic-tac-toe")
        ben.page.get_by_role("button", name="Play the Tic-tac-toe of Ann").click()
        ann.reads("Your turn")
        ann.puts(2, 2)
        ben.sees(2, 2, "X")
        wire.set(reset_after_bytes=0)  # whatever passes next
        ben.puts(1, 1)
        ben.hears("Ann is away from the game")
        ann.sees_state("Not connected")
        wire.clear()
        ann.sees_state("Connected")
        ann.sees(1, 1, "O")
        ann.reads("Your turn")
        ann.puts(3, 3)
        ben.sees(3, 3, "X")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_board_on_a_phone(
    house: tuple[Any, Any], enter: Any, scheme: str, artifacts: Any
) -> None:
    ann = enter("Ann", viewport={"width": 360, "height": 640}, color_scheme=scheme)
    ann.begins("connect four")
    with came_in(house, "kernel") as kernel:
        kernel.send("list_game_sessions")
        (session,) = kernel.wait_for("game_session_list", PATIENCE_S).sessions
        kernel.send("join_game_session", session_id=session.session_id)
        ann.reads("Your turn")
        ann.puts(1, 4)
        kernel.wait_for("game_action_broadcast", PATIENCE_S)
        kernel.send("game_action", session_id=session.session_id, action={"column": 4})
        ann.sees(6, 5, "O")
        for selector in ("#cells [data-mark=X]", "#cells [data-mark=O]", "#turn"):
            ratio = ann.page.locator(selector).first.evaluate(CONTRAST)
            assert ratio >= 4.5, f"{selector}: contrast {ratio:.1f} (WCAG 2.2, 1.4.3)"
        width = ann.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, "nothing is cut off at the side"
        hidden, overlap = ann.page.evaluate(
            """() => {
                const [talk, board] = ['talk', 'board'].map(id => document.getElementById(id));
                return [board.scrollHeight - board.clientHeight,
                        talk.getBoundingClientRect().bottom - board.getBoundingClientRect().top];
            }"""
        )
        assert hidden <= 0, "the whole board is there"
        assert overlap <= 0, "nothing lies on top of the talk"
        artifacts.mkdir(exist_ok=True)
        kind = type(kernel).__name__
        ann.page.screenshot(path=artifacts / f"board-phone-{kind}-{scheme}.png", full_page=True)
