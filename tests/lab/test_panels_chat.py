"""The chat panel, clicked and typed in without a browser; and what every panel is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab import EchoService, TCPClient, TCPServer, UDPClient, UDPServer
from netlab.core import messages as m
from netlab.lab import LESSON, panels
from netlab.lab.panels.chat_state import KEPT_ENTRIES, ChatState
from netlab.lab.panels.panel import CLOSED, Panel
from netlab.lab.panels.parts import descendants
from netlab.lab.panels.peer import Peer


@pytest.fixture
def server() -> Iterator[TCPServer]:
    with TCPServer(**LESSON) as server:
        yield server


@pytest.fixture
def connect(server: TCPServer) -> Callable[[], TCPClient]:
    return lambda: TCPClient(server.address)


def shown(panel: Panel) -> str:
    """Return all that the panel's widgets show, as HTML."""
    return "".join(str(getattr(widget, "value", "")) for widget in descendants(panel.box))


def panel_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("netlab-panel-")]


def both(connect: Callable[[], TCPClient]) -> panels.ChatPanel:
    chat = panels.chat(connect, names=("alice", "bob"), room="lobby")
    for user in ("alice", "bob"):
        chat.wait_until(
            lambda user=user: chat.columns[user].state.joined == {"lobby": 2}, "both are there"
        )
    return chat


def test_what_is_typed_is_sent_and_seen(connect: Callable[[], TCPClient]) -> None:
    with both(connect) as chat:
        alice = chat.columns["alice"]
        alice.message.value = "hel"
        chat.wait_shown("bob", "alice is typing…")
        alice.message.value = "hello"
        alice.sends.click()
        chat.wait_shown("bob", "[lobby] alice: hello")
        chat.wait_until(lambda: "typing" not in chat.text(), "typing is over")
        assert alice.message.value == ""
        assert [thread.name for thread in panel_threads()] == ["netlab-panel-chat"]
    assert panel_threads() == []


def test_enter_sends_as_the_button_does(
    connect: Callable[[], TCPClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    with both(connect) as chat:
        field = chat.columns["bob"].message
        field.value = "by key\nat once\nand th"  # typed on while the notebook was busy
        chat.wait_shown("alice", "bob: by key")
        chat.wait_shown("alice", "bob: at once")
        assert field.line == "and th"
        assert field.value.endswith("\nand th"), "nothing was overwritten that may be typed on"
        field.value += "is\n"
        chat.wait_shown("alice", "bob: and this")
        field.value = field.value.removesuffix("\n")  # rubbed out: the line is back
        assert field.line == "and this"
        monkeypatch.setattr("netlab.lab.panels.line_field.REST_S", 0.0)
        chat.wait_until(lambda: field.value == "and this", "it is tidy when nobody types")
        assert chat.columns["alice"].text().count("bob: ") == 3
        room = chat.columns["bob"].room
        room.value = "attic\n"
        chat.wait_shown("bob", "you joined attic")
        assert room.value == "attic"


def test_the_last_keys_may_come_after_the_click(connect: Callable[[], TCPClient]) -> None:
    with both(connect) as chat:
        bob = chat.columns["bob"]
        bob.message.value = "hel"
        bob.sends.click()
        bob.message.value = "hello"
        chat.wait_shown("alice", "bob: hello")
        assert chat.columns["alice"].text().count("bob: ") == 1


def test_rubbing_out_and_waiting_end_typing(
    connect: Callable[[], TCPClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    with both(connect) as chat:
        field = chat.columns["alice"].message
        field.value = "a"
        chat.wait_shown("bob", "alice is typing…")
        field.value = ""
        chat.wait_until(lambda: "typing" not in chat.text(), "typing is over")
        field.value = "b"
        chat.wait_shown("bob", "alice is typing…")
        monkeypatch.setattr("netlab.lab.panels.chat_column.STILL_TYPING_S", 0.0)
        chat.wait_until(lambda: "typing" not in chat.text(), "typing is over")


def test_private_words_go_to_one(server: TCPServer) -> None:
    with panels.chat(
        lambda: TCPClient(server.address), names=("alice", "bob", "carol"), room="lobby"
    ) as chat:
        chat.wait_until(lambda: len(chat.columns["alice"].state.users) == 3, "three users")
        to = chat.columns["alice"].to
        assert ("bob, privately", ("private_message", "bob")) in to.options
        to.value = ("private_message", "bob")
        chat.columns["alice"].message.value = "psst"
        chat.columns["alice"].sends.click()
        chat.wait_shown("bob", "privately, alice: psst")
        chat.wait_shown("alice", "privately, to bob: psst")
        chat.say("bob", "hello all", to="lobby")
        chat.wait_shown("carol", "[lobby] bob: hello all")
        assert "psst" not in chat.columns["carol"].text()


def test_joining_and_leaving_change_rooms_and_targets(connect: Callable[[], TCPClient]) -> None:
    with both(connect) as chat:
        alice = chat.columns["alice"]
        alice.room.value = "attic"
        alice.joins.click()
        chat.wait_until(lambda: alice.to.value == ("room_message", "attic"), "attic is chosen")
        chat.wait_until(lambda: alice.state.rooms == {"lobby": 2, "attic": 1}, "both are listed")
        alice.leaves.click()
        chat.wait_shown("alice", "you left attic")
        chat.wait_until(lambda: alice.to.value == ("room_message", "lobby"), "lobby is chosen")


def test_an_error_of_the_server_is_shown(connect: Callable[[], TCPClient]) -> None:
    with both(connect) as chat:
        chat.columns["alice"].room.value = "x" * 33
        chat.columns["alice"].joins.click()
        chat.wait_shown("alice", "! invalid_name")
        chat.say("bob", "too much " * 1000)
        chat.wait_shown("bob", "! ")


def test_everything_from_the_wire_is_escaped(connect: Callable[[], TCPClient]) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    with panels.chat(connect, names=("<b>eve</b>", "bob"), room="<i>room</i>") as chat:
        chat.wait_until(lambda: len(chat.columns["bob"].state.users) == 2, "both are there")
        chat.say("<b>eve</b>", evil, to="<i>room</i>")
        chat.wait_shown("bob", "<script>")
        chat.say("bob", evil, to="<b>eve</b>")
        chat.wait_shown("<b>eve</b>", "privately, bob")
        page = "".join(str(w.value) for w in descendants(chat.box) if type(w).__name__ == "HTML")
    for bad in ("<script", "<img", "<b>eve", "<i>room"):
        assert bad not in page
    assert "&lt;script&gt;" in page


def test_clients_of_the_cell_stay_open_and_their_messages_untaken(server: TCPServer) -> None:
    with TCPClient(server.address) as alice, UDPServer() as _:
        with panels.chat({"alice": alice}, room="lobby") as chat:
            chat.wait_shown("alice", "you joined lobby")
        assert alice.wait_for("room_joined").room == "lobby"
        alice.send("ping")
        alice.wait_for("pong")


def test_it_works_with_another_transport() -> None:
    with UDPServer() as server:
        chat = panels.chat(lambda: UDPClient(server.address), names=("a", "b"), room="r")
        with chat:
            chat.wait_until(lambda: "r" in chat.columns["a"].state.joined, "a is in r")
            chat.wait_until(lambda: "r" in chat.columns["b"].state.joined, "b is in r")
            chat.say("a", "by datagram", to="r")
            chat.wait_shown("b", "a: by datagram")


def test_a_stopped_server_is_seen_and_reconnecting_brings_names_and_rooms_back() -> None:
    first, second = TCPServer(), TCPServer()
    servers = [first]
    with first, second:
        chat = both(lambda: TCPClient(servers[-1].address))
        alice, bob = chat.columns["alice"], chat.columns["bob"]
        assert alice._again.layout.display == "none"
        first.stop()
        chat.wait_shown("alice", "disconnected: the server closed the connection")
        chat.wait_until(lambda: bob.sends.disabled, "nothing can be sent")
        assert "○ disconnected" in shown(chat)
        assert alice._again.layout.display is None
        for thread in panel_threads():
            thread.join(5)  # nobody is connected, so it ends by itself
        servers.append(second)
        alice._again.click()
        bob._again.click()
        chat.wait_until(lambda: alice.state.joined == {"lobby": 2}, "both are in lobby again")
        chat.wait_until(lambda: not alice.sends.disabled, "she can send again")
        chat.say("bob", "again")
        chat.wait_shown("alice", "bob: again")
        chat.close()


def test_reconnecting_to_nobody_says_so(connect: Callable[[], TCPClient], server) -> None:
    with both(connect) as chat:
        server.stop()
        chat.wait_shown("alice", "disconnected:")
        chat.columns["alice"]._again.click()
        chat.wait_until(lambda: "ConnectionRefusedError" in chat._alert.value, "it is refused")


def test_a_client_without_a_way_back_says_what_to_do(server: TCPServer) -> None:
    with TCPClient(server.address) as alice, panels.chat({"alice": alice}) as chat:
        server.stop()
        chat.wait_until(lambda: "run the cell again" in shown(chat), "the hint")
        assert chat.columns["alice"]._again.layout.display == "none"
        chat.say("alice", "anybody?")
        message = chat.columns["alice"].message
        chat.wait_until(lambda: message.value == "anybody?", "what could not be sent is not lost")
        chat.wait_until(lambda: "ConnectionEnded" in chat._alert.value, "it is over")


def test_closing_says_so_and_disables_everything(connect: Callable[[], TCPClient]) -> None:
    chat = both(connect)
    chat.close()
    chat.close()
    assert chat.closed
    assert CLOSED in shown(chat)
    assert all(w.disabled for w in descendants(chat.box) if hasattr(w, "disabled"))
    chat.say("alice", "nobody hears this")
    assert panel_threads() == []


def test_its_text_repeats_and_says_nothing_of_traits(connect: Callable[[], TCPClient]) -> None:
    with both(connect) as chat:
        bundle = chat._repr_mimebundle_()
        shown = "Chat: alice and bob (live in JupyterLab: run this cell)"
        assert bundle["text/plain"] == repr(chat) == shown
        assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_log_is_bounded(connect: Callable[[], TCPClient]) -> None:
    with both(connect) as chat:
        for number in range(KEPT_ENTRIES + 30):
            chat.say("alice", f"line {number}", to="lobby")
        last = f"line {KEPT_ENTRIES + 29}"
        chat.wait_shown("bob", last, timeout_s=5)
        chat.wait_until(lambda: f"{last}</bdi>" in shown(chat), "it is drawn")
        column = chat.columns["bob"]
        drawn = "".join(page.value for page in column.log.pages)
        assert KEPT_ENTRIES - 25 <= drawn.count("np-entry") <= KEPT_ENTRIES
        assert len(column.state.entries) == KEPT_ENTRIES
        assert "line 3<" not in drawn


@pytest.mark.parametrize(
    ("users", "names", "error", "part"),
    [
        (None, None, TypeError, "users must be"),
        ({}, None, TypeError, "users must be"),
        ({"alice": 5}, None, TypeError, "no client for a panel: it has no send"),
        (TCPClient, None, ValueError, "needs names="),
        (TCPClient, "alice", ValueError, "needs names="),
        ({"alice": TCPClient}, ("bob",), ValueError, "names= goes with a function"),
        (TCPClient, tuple("abcdefg"), ValueError, "room for 6"),
    ],
)
def test_wrong_users_are_refused(users, names, error, part) -> None:
    with pytest.raises(error, match=part):
        panels.chat(users, names)


def test_nobody_of_that_name(connect: Callable[[], TCPClient]) -> None:
    with (
        panels.chat(connect, names=("alice",)) as chat,
        pytest.raises(ValueError, match="nobody here is called 'bob'; there are: alice"),
    ):
        chat.say("bob", "hello")


def test_waiting_in_vain_says_what_is_shown(connect: Callable[[], TCPClient]) -> None:
    with both(connect) as chat, pytest.raises(TimeoutError, match=r"(?s)godot.*alice, connected"):
        chat.wait_shown("alice", "godot", timeout_s=0.05)


def test_a_peer_takes_each_message_once(server: TCPServer) -> None:
    with TCPClient(server.address) as client:
        client.wait_for("welcome")
        peer = Peer("alice", client)
        assert [one.type for one in peer.fresh()] == ["welcome"]
        assert peer.fresh() == []
        client.send("ping")
        client.wait_for("pong")
        assert [one.type for one in peer.fresh()] == ["pong"]


def test_an_echo_server_shows_that_it_is_no_chat() -> None:
    with (
        TCPServer(EchoService) as server,
        panels.chat({"a": lambda: TCPClient(server.address, service="echo")}) as chat,
    ):
        chat.wait_until(lambda: "LocalProtocolError" in chat._alert.value, "it is refused")


NAMES = st.sampled_from(["alice", "bob", "<carol>"])
ROOMS = st.sampled_from(["lobby", "attic"])
WHEN = st.just("2026-01-01T00:00:00Z")
MESSAGES = st.one_of(
    st.builds(
        m.RoomJoined, room=ROOMS, members_count=st.integers(1, 9), message_history=st.just(())
    ),
    st.builds(m.RoomLeft, room=ROOMS),
    st.builds(m.UserJoined, room=ROOMS, client_id=NAMES, username=NAMES, timestamp=WHEN),
    st.builds(m.UserLeft, room=ROOMS, client_id=NAMES, username=NAMES, timestamp=WHEN),
    st.builds(m.UserTyping, room=ROOMS, client_id=NAMES, username=NAMES),
    st.builds(m.UserStopTyping, room=ROOMS, client_id=NAMES, username=NAMES),
    st.builds(m.UserRenamed, client_id=NAMES, username=NAMES, old_username=NAMES),
    st.builds(m.Error, code=st.just("refused"), message=st.text()),
    st.builds(m.Echo, content=st.text()),
    st.builds(m.Pong, timestamp=WHEN),
)


@given(st.lists(MESSAGES, max_size=30))
def test_any_order_of_messages_can_be_taken_in(received: list[m.Reply]) -> None:
    state = ChatState()
    for message in received:
        state.take(message)
        state.typists()
    state.forget()
    assert state.typists() == ""
    assert len(state.entries) <= len(received)
