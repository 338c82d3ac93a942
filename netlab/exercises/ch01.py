"""Exercises of chapter 01: the calls of a TCP conversation."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from netlab.exercises.calls import Function
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.judges import dial, judge_server
from netlab.exercises.peers import call, serve
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict
from netlab.exercises.words import Broken

# ---------------------------------------------------------------- warm-up


def _family(expected: int | None) -> Callable[[Trial], None]:
    def examine(trial: Trial) -> None:
        try:
            answer = trial.wait("answer")
        except Broken as broken:
            if expected is None and broken.got.startswith("ValueError"):
                return
            wanted = "ValueError" if expected is None else f"AddressFamily {expected}"
            raise Broken(wanted, broken.got) from None
        if expected is None:
            raise Broken("ValueError", f"{answer!r} was returned")
        if answer != expected:
            raise Broken(f"socket.{socket.AddressFamily(expected).name}", repr(answer))

    return examine


family = Exercise(
    "family",
    chapter="01",
    kind="warm-up",
    title="Which family?",
    task="Write `family(text)`: which address family does this address belong to?",
    rules=(
        "A numeric IPv4 address in four parts, such as `127.0.0.1`, gives `socket.AF_INET`.",
        "A numeric IPv6 address, such as `::1`, gives `socket.AF_INET6`.",
        "A text that starts with `/` is a path: `socket.AF_UNIX`.",
        "Anything else, names such as `localhost` and half addresses such as `127.1` too, raises "
        "`ValueError`; no name is looked up.",
    ),
    hints=(
        "Look at `socket.inet_pton`: it takes a family and a text.",
        "`inet_pton` raises `OSError` for a text that is no address of that family.",
        "Try AF_INET, then AF_INET6; if neither takes it, `raise ValueError(…)`.",
    ),
    probes=tuple(
        Probe(f"family({text!r})", rule, _family(expected), call, (text,))
        for text, rule, expected in (
            ("127.0.0.1", 1, socket.AF_INET),
            ("::1", 2, socket.AF_INET6),
            ("fe80::1", 2, socket.AF_INET6),
            ("/run/chat.sock", 3, 1),
            ("localhost", 4, None),
            ("half:past:ten", 4, None),
            ("1.2.3.999", 4, None),
            ("127.1", 4, None),
            ("", 4, None),
        )
    ),
)

# ---------------------------------------------------------------- core: an echo server

MEGABYTE = bytes(range(256)) * 4096


def _one_line(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.send(b"hello\n")
    talk.expect(b"hello\n")


def _no_text(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.send(b"\xff\x00 caf\xe9\r\n")
    talk.expect(b"\xff\x00 caf\xe9\r\n")


def _byte_by_byte(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    for byte in (b"a", b"b", b"\n", b"c"):
        talk.send(byte)
        talk.expect(byte)


def _half_close(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.send(b"my last words")
    talk.half_close()
    talk.expect(b"my last words")
    talk.expect_end()


def _nothing(trial: Trial) -> None:
    address = trial.wait("listening")
    silent = trial.talk(address, "silent")
    silent.half_close()
    silent.expect_end()
    talk = trial.talk(address, "next")
    talk.send(b"still there?")
    talk.expect(b"still there?")


def _megabyte(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.exchange(MEGABYTE)


def _five(trial: Trial) -> None:
    address = trial.wait("listening")
    for number in range(1, 6):
        talk = trial.talk(address, f"client {number}")
        words = f"I am number {number}".encode()
        talk.send(words)
        talk.expect(words)
        talk.half_close()
        talk.expect_end()


def _reset(trial: Trial) -> None:
    address = trial.wait("listening")
    rude = trial.talk(address, "rude")
    rude.send(b"hello")
    rude.expect(b"hello")
    rude.reset()
    talk = trial.talk(address, "next")
    talk.send(b"still there?")
    talk.expect(b"still there?")


echo_server = Exercise(
    "echo_server",
    chapter="01",
    kind="core",
    title="An echo server",
    task="Write `echo_server(listener)`: it serves the clients of a listening socket, one after "
    "the other, for ever (the examiner ends it).",
    rules=(
        "What a client sends comes back to it unchanged, byte for byte; it need not be text.",
        "It comes back as soon as it is there: the server waits neither for a newline nor for the "
        "end.",
        "However much a client sends, all of it comes back.",
        "When a client has finished sending (`recv` returns `b''`), and everything has gone back "
        "to it, the server closes the connection; that goes for a client that says nothing, too.",
        "When it is done with a client, it serves the next one.",
        "A client that vanishes (RST: `recv` or `sendall` raises `ConnectionError`) costs only its "
        "own connection.",
    ),
    hints=(
        "Two loops: the outer one accepts, the inner one receives until `b''`.",
        "`sendall` sends all; `send` may send a part. `with connection:` closes it in any case.",
        "Put `try: … except ConnectionError: pass` around the inner loop, inside the outer one.",
    ),
    probes=(
        Probe("a line of text", 1, _one_line, serve),
        Probe("bytes that are no text", 1, _no_text, serve),
        Probe("one byte at a time", 2, _byte_by_byte, serve),
        Probe("a half-close", 4, _half_close, serve),
        Probe("a client that says nothing", 4, _nothing, serve),
        Probe("a megabyte", 3, _megabyte, serve),
        Probe("five clients in turn", 5, _five, serve),
        Probe("a client that vanishes", 6, _reset, serve),
    ),
    converse=Probe("a half-close", 4, _half_close, serve),
)

# ---------------------------------------------------------------- core: the first address is dead


def _dialled(expected: str) -> Callable[[Trial], None]:
    def examine(trial: Trial) -> None:
        answer = trial.wait("answer")
        if not answer.startswith(expected):
            raise Broken(expected, answer)
        left = trial.wait("left")
        if left != "nothing left behind: no thread, no task, no socket":
            raise Broken("no other socket left open", left, rule=4)

    return examine


connect_any = Exercise(
    "connect_any",
    chapter="01",
    kind="core",
    title="A client for every address",
    task="`localhost` is two addresses, and one of them may be dead. Write "
    "`connect_any(candidates)`, where each candidate is a pair of family and address, such as "
    "`(socket.AF_INET6, ('::1', 8888, 0, 0))`.",
    rules=(
        "It returns a socket connected to the first candidate that accepts, in the given order.",
        "A candidate that refuses is passed over, whatever its family.",
        "If every candidate refuses, it raises `OSError`.",
        "It leaves no other socket open: the code closes those that were refused, and does not "
        "leave them to the garbage collector.",
    ),
    hints=(
        "`socket.socket(family, socket.SOCK_STREAM)`, then `.connect(address)`, in a loop.",
        "A refused `connect` raises `ConnectionRefusedError`, which is an `OSError`; that socket "
        "is still open.",
        "Remember the last error in a variable of your own, and `raise` it after the loop.",
    ),
    probes=tuple(
        Probe(name, rule, _dialled(expected), dial, (plan,))
        for name, rule, expected, plan in (
            ("one candidate, alive", 1, "it is connected to candidate 1", ("alive v4",)),
            ("the first address is dead", 2, "it is connected to candidate 2",
             ("dead v6", "alive v4")),
            ("both alive: the first counts", 1, "it is connected to candidate 1",
             ("alive v6", "alive v4")),
            ("two dead, then one alive", 4, "it is connected to candidate 3",
             ("dead v4", "dead v6", "alive v6")),
            ("all dead", 3, "it raised", ("dead v6", "dead v4")),
        )
    ),
)  # fmt: skip

# ---------------------------------------------------------------- red team


def correct_server(listener: socket.socket) -> None:
    """Echoes what comes."""
    _serve(listener, lambda data: [data])


def piecemeal_server(listener: socket.socket) -> None:
    """Echoes what comes, correctly, byte by byte."""
    _serve(listener, lambda data: [data[i : i + 1] for i in range(len(data))])


def text_server(listener: socket.socket) -> None:
    """Takes bytes for text: what is not UTF-8 gets lost."""
    _serve(listener, lambda data: [data.decode("utf-8", "ignore").encode()])


def _serve(listener: socket.socket, answer: Callable[[bytes], list[bytes]]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65_536):
                for piece in answer(data):
                    connection.sendall(piece)
                    threading.Event().wait(0.02)


PROBE_S = 5.0
"""seconds that a probe of the learner's may take"""


def _judged(name: str, rule: int, server: Function, fault: str = "") -> Probe:
    praise = "this server echoes correctly"
    examine = verdict(fault, praise=praise, late_rule=4, timeout_s=PROBE_S)
    return Probe(name, rule, examine, judge_server, (server,))


echo_probe = Exercise(
    "echo_probe",
    chapter="01",
    kind="red-team",
    title="Red team: break the echo server that thinks in text",
    task="Somebody's echo server decodes what it reads as UTF-8 and ignores what it cannot decode. "
    "Write `echo_probe(address)`: it talks to the server at `address` and raises "
    "`AssertionError` when that is such a server.",
    rules=(
        "It raises nothing for a server that sends every byte back.",
        "It raises nothing for a correct server whose answer arrives in several pieces.",
        "It raises `AssertionError`, and not `TimeoutError`, for the server that loses bytes.",
        "It is done (returns or raises) within 5 seconds; the faulty server keeps the "
        "connection open.",
    ),
    hints=(
        "What must you send, so that decoding and encoding it again does not give the same?",
        r"`b'\xff'` never occurs in UTF-8. The answer may come in pieces: collect it in a loop.",
        "The faulty server sends less than you wait for: give your socket a timeout "
        "(`create_connection(address, timeout=1)`), or end with a byte that it will send back; "
        "and turn `TimeoutError` into an `AssertionError`.",
    ),
    probes=(
        _judged("a correct server", 1, correct_server),
        _judged("a correct server that answers in pieces", 2, piecemeal_server),
        _judged("the server that thinks in text", 3, text_server, "this server loses bytes"),
    ),
)

EXERCISES = (family, echo_server, connect_any, echo_probe)
