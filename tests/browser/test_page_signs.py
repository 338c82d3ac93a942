"""What the page shows beside messages: who types, what is new, what is from before a restart."""

from __future__ import annotations

import socket
from typing import Any

from netlab.core.chat import ChatService
from netlab.lab import background
from netlab.transports.websocket import WebSocketServer
from tests.browser.test_pages import PATIENCE_S, Visit, Visitor, server, talking, visit

__all__ = ["server", "visit"]  # fixtures


def typing_line(visitor: Visitor, text: str) -> None:
    visitor.page.wait_for_function(
        "wanted => document.querySelector('#typing').textContent === wanted", arg=text
    )


def test_who_is_typing(server: Any, visit: Visit) -> None:
    ann, bob = visit(server), visit(server)
    ann.join("Ann", "tea")
    bob.join("Bob", "tea")
    with talking(server, "kernel", "tea") as client:
        bob.page.get_by_label("Message", exact=True).press_sequentially("he")
        typing_line(ann, "Bob is typing …")
        client.send("typing_start", room="tea")
        typing_line(ann, "Bob, kernel are typing …")
        bob.say("hello")
        ann.hears("Bob: hello")
        typing_line(ann, "kernel is typing …")
    typing_line(ann, "")  # who has left types no more
    bob.page.get_by_label("Message", exact=True).press_sequentially("he")
    typing_line(ann, "Bob is typing …")
    bob.page.get_by_label("Message", exact=True).fill("")
    typing_line(ann, "")


def test_what_is_new_while_you_read_what_was_before(server: Any, visit: Visit) -> None:
    ann = visit(server, viewport={"width": 360, "height": 640})
    ann.join("Ann", "tea")
    with talking(server, "kernel", "tea") as client:
        for number in range(30):
            client.send("room_message", room="tea", content=f"message {number}")
        ann.hears("message 29")
        log = ann.page.get_by_role("log")
        log.evaluate("log => { log.scrollTop = 0; }")
        client.send("room_message", room="tea", content="while you were reading")
        ann.hears("while you were reading")
        assert log.evaluate("log => log.scrollTop") == 0
        mark = log.get_by_role("listitem").filter(has_text="New").first
        assert mark.text_content() == "New"
        ann.page.get_by_role("button", name="1 new below").click()
        ann.page.get_by_role("button", name="new below").wait_for(state="hidden")


def test_a_hidden_page_counts_in_its_title(server: Any, visit: Visit) -> None:
    ann = visit(server)
    ann.join("Ann", "tea")
    hide = """hidden => {
        Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    with talking(server, "kernel", "tea") as client:
        ann.hears("kernel joined")
        ann.page.evaluate(hide, True)
        for number in (1, 2):
            client.send("room_message", room="tea", content=f"message {number}")
        ann.page.wait_for_function("document.title === '(2) netlab chat'")
        ann.page.evaluate(hide, False)
        ann.page.wait_for_function("document.title === 'netlab chat'")
        ann.hears("New")


def test_to_one_person_alone(server: Any, visit: Visit) -> None:
    ann, bob = visit(server), visit(server)
    bob.join("Bob", "tea")
    ann.join("Ann", "tea")
    ann.page.get_by_role("button", name="Write to Bob alone").click()
    ann.page.get_by_role("textbox", name="To Bob alone").fill("psst")
    ann.page.keyboard.press("Enter")
    bob.hears("Ann (to you alone): psst")
    ann.hears("Ann (to Bob alone): psst")
    ann.page.get_by_role("button", name="To everybody again").click()
    ann.say("hello all")
    bob.hears("Ann: hello all")


def test_what_is_from_before_a_restart_is_marked(visit: Visit) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # nobody else is given it at once
    with background(WebSocketServer(ChatService, port=port), name="page") as first:
        ann = visit(first)
        ann.join("Ann", "tea")
        ann.say("before")
        ann.hears("Ann: before")
    with background(WebSocketServer(ChatService, port=port), name="page"):
        ann.hears("The server was started anew.")
        ann.sees_state("Connected")
        ann.say("after")
        after = ann.hears("Ann: after")
        earlier = ann.page.locator("#log .earlier").filter(has_text="Ann: before")
        earlier.wait_for(timeout=PATIENCE_S * 1000)
        assert "earlier" not in (after.get_attribute("class") or "")
