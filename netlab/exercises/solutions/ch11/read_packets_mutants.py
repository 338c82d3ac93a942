"""Faulty variants of `read_packets`, each with the probe that catches it."""

from __future__ import annotations

import json
import re

from netlab.exercises.packet_reading import ENGINE, SOCKET, Packet
from netlab.exercises.packet_reading import read_packet as _right
from netlab.exercises.packet_reading import read_packets_rightly as _all_right


def reads_one_packet(body: str) -> list[Packet]:
    return [_right(body)]


def reads_lines(body: str) -> list[Packet]:
    return [_right(text) for text in body.splitlines()]  # \x1e is among Python's line ends


def reads_events_only(body: str) -> list[Packet]:
    return [packet for packet in _all_right(body) if packet[0] in SOCKET.values()]


def reads_no_text_of_a_pong(body: str) -> list[Packet]:
    return [
        (name, namespace, number, None if name in ENGINE.values() else data)
        for name, namespace, number, data in _all_right(body)
    ]


def reads_namespaces_with_a_comma_only(body: str) -> list[Packet]:
    if any(re.fullmatch(r"4\d/[^,]*", text) for text in body.split("\x1e")):
        raise ValueError("no comma")
    return _all_right(body)


def reads_no_namespace_as_none(body: str) -> list[Packet]:
    return [
        (name, None if namespace == "/" else namespace, number, data)
        for name, namespace, number, data in _all_right(body)
    ]


def reads_numbers_of_one_digit(body: str) -> list[Packet]:
    packets: list[Packet] = []
    for text in body.split("\x1e"):
        found = re.match(r"4[23](?:/[^,]*,)?(\d)\d", text)
        if found:
            raise ValueError("what is that second digit?")
        packets.append(_right(text))
    return packets


def reads_numbers_as_text(body: str) -> list[Packet]:
    return [
        (name, namespace, None if number is None else str(number), data)  # type: ignore[misc]
        for name, namespace, number, data in _all_right(body)
    ]


def reads_up_to_the_first_comma(body: str) -> list[Packet]:
    packets: list[Packet] = []
    for text in body.split("\x1e"):
        head, comma, rest = text.partition(",")
        if comma and "/" in head:
            namespace = head[head.index("/") :]
            name, _, number, data = _right(head[: head.index("/")] + rest)
            packets.append((name, namespace, number, data))
        else:
            packets.append(_right(text))
    return packets


def reads_anything(body: str) -> list[Packet]:
    packets: list[Packet] = []
    for text in body.split("\x1e"):
        try:
            packets.append(_right(text))
        except ValueError:
            packets.append(("EVENT", "/", None, text))
    return packets


def reads_an_event_without_a_name(body: str) -> list[Packet]:
    packets: list[Packet] = []
    for text in body.split("\x1e"):
        found = re.fullmatch(r"42(\[.*|\{\})", text)
        data = json.loads(found[1]) if found else None
        packets.append(("EVENT", "/", None, data) if found else _right(text))
    return packets


def reads_an_ack_without_a_number(body: str) -> list[Packet]:
    return [
        ("ACK", "/", None, json.loads(text[2:])) if text[:3] == "43[" else _right(text)
        for text in body.split("\x1e")
    ]


MUTANTS = (
    (reads_one_packet, "several packets"),
    (reads_lines, "packets that are none"),
    (reads_events_only, "several packets"),
    (reads_no_text_of_a_pong, "several packets"),
    (reads_namespaces_with_a_comma_only, "namespaces"),
    (reads_no_namespace_as_none, "an event"),
    (reads_numbers_of_one_digit, "numbers"),
    (reads_numbers_as_text, "numbers"),
    (reads_up_to_the_first_comma, "commas and slashes in the data"),
    (reads_anything, "packets that are none"),
    (reads_an_event_without_a_name, "packets that are none"),
    (reads_an_ack_without_a_number, "packets that are none"),
)
