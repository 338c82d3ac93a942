import json
import re

ENGINE = {"0": "open", "1": "close", "2": "ping", "3": "pong", "5": "upgrade", "6": "noop"}
SOCKET = ("CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR")
MESSAGE = re.compile(r"4([0-4])(?:(/[^,]*)(?:,|$))?(\d+)?(.*)", re.DOTALL)


def read_packets(body):
    return [read_packet(text) for text in body.split("\x1e")]


def read_packet(text):
    if text[:1] in ENGINE:
        return ENGINE[text[0]], None, None, text[1:]
    found = MESSAGE.fullmatch(text)
    if found is None:
        raise ValueError(f"no packet: {text!r}")
    kind, namespace, number, rest = found.groups()
    name = SOCKET[int(kind)]
    number = None if number is None else int(number)
    data = json.loads(rest) if rest else None
    if name == "EVENT" and not (is_list(data) and data and isinstance(data[0], str)):
        raise ValueError("an event is a list that begins with its name")
    if name == "ACK" and (number is None or not is_list(data)):
        raise ValueError("an acknowledgement has a number and a list")
    return name, namespace or "/", number, data


def is_list(data):
    return isinstance(data, list)
