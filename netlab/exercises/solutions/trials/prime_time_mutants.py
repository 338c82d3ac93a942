"""Faulty variants of `prime_time`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

LIMIT = 65_536
BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
MALFORMED = b'{"error":"malformed"}\n'


def _threads(listener: socket.socket, serve_one: Callable[[socket.socket], None]) -> None:
    def guarded(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve_one(connection)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=[connection], daemon=True).start()


def _probably(number: int, bases: Iterable[int] = BASES) -> bool:
    if number < 2 or any(number % base == 0 for base in bases):
        return number in bases
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(
        pow(base, odd, number) == 1
        or any(pow(base, odd << n, number) == number - 1 for n in range(twos))
        for base in bases
    )


def _prime(number: Any) -> bool:
    return isinstance(number, int) and _probably(number)


def _refuse(word: str) -> float:
    raise ValueError(word)


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line.decode(), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("too deep") from None


def _number(request: Any) -> Any:
    if not isinstance(request, dict) or request.get("method") != "isPrime":
        raise ValueError("no request")
    number = request.get("number")
    if type(number) not in (int, float):  # isinstance would take True for an int
        raise ValueError("no number")
    return number


def _answer(prime: bool) -> bytes:
    return json.dumps({"method": "isPrime", "prime": prime}).encode() + b"\n"


def _lines(
    connection: socket.socket,
    number: Callable[[bytes], Any] = lambda line: _number(_parse(line)),
    prime: Callable[[Any], bool] = _prime,
    malformed: bytes = MALFORMED,
) -> None:
    with connection.makefile("rb") as stream:
        while (line := stream.readline(LIMIT)).endswith(b"\n"):
            try:
                answer = _answer(prime(number(line)))
            except ValueError:
                connection.sendall(malformed)
                return
            connection.sendall(answer)


def prime_time_takes_one_for_a_prime(listener: socket.socket) -> None:
    def prime(number: Any) -> bool:
        return isinstance(number, int) and all(number % n for n in range(2, number))

    _threads(listener, lambda one: _lines(one, prime=prime))


def prime_time_rounds(listener: socket.socket) -> None:
    _threads(listener, lambda one: _lines(one, prime=lambda number: _probably(int(number))))


def prime_time_counts_in_doubles(listener: socket.socket) -> None:
    _threads(listener, lambda one: _lines(one, prime=lambda n: _prime(n) and _prime(int(float(n)))))


def prime_time_divides(listener: socket.socket) -> None:
    def prime(number: Any) -> bool:
        if not isinstance(number, int) or number < 2:
            return False
        divisor = 2
        while divisor * divisor <= number:
            if number % divisor == 0:
                return False
            divisor += 1
        return True

    _threads(listener, lambda one: _lines(one, prime=prime))


def prime_time_trusts_fermat(listener: socket.socket) -> None:
    def prime(number: Any) -> bool:
        if not isinstance(number, int) or number < 2:
            return False
        return number in (2, 3) or pow(2, number - 1, number) == 1

    _threads(listener, lambda one: _lines(one, prime=prime))


def prime_time_too_few_bases(listener: socket.socket) -> None:
    def prime(number: Any) -> bool:
        return isinstance(number, int) and _probably(number, (2, 3))

    _threads(listener, lambda one: _lines(one, prime=prime))


def prime_time_searches_the_text(listener: socket.socket) -> None:
    def number(line: bytes) -> Any:
        _number(_parse(line))
        found = re.search(rb'"number"\s*:\s*([-+.\deE]+)', line)
        if found is None:
            raise ValueError("no number")
        return json.loads(found[1])

    _threads(listener, lambda one: _lines(one, number))


def prime_time_takes_a_piece_for_a_line(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        while data := connection.recv(LIMIT):
            for line in data.splitlines():
                try:
                    connection.sendall(_answer(_prime(_number(_parse(line)))))
                except ValueError:
                    connection.sendall(MALFORMED)
                    return

    _threads(listener, serve_one)


def prime_time_first_line_of_a_piece(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        kept = b""
        while data := connection.recv(LIMIT):
            kept += data
            if not kept.endswith(b"\n"):
                continue
            try:
                connection.sendall(_answer(_prime(_number(_parse(kept.splitlines()[0])))))
            except (ValueError, IndexError):
                connection.sendall(MALFORMED)
                return
            kept = b""

    _threads(listener, serve_one)


def prime_time_answers_early(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        kept = b""
        while data := connection.recv(LIMIT):
            kept += data
            *lines, kept = kept.split(b"\n")
            if kept.endswith(b"}"):
                lines, kept = [*lines, kept], b""
            for line in filter(None, lines):
                try:
                    connection.sendall(_answer(_prime(_number(_parse(line)))))
                except ValueError:
                    connection.sendall(MALFORMED)
                    return

    _threads(listener, serve_one)


def prime_time_takes_nan(listener: socket.socket) -> None:
    _threads(listener, lambda one: _lines(one, lambda line: _number(json.loads(line.decode()))))


def prime_time_takes_true_for_one(listener: socket.socket) -> None:
    def number(line: bytes) -> Any:
        request = _parse(line)
        if isinstance(request, dict) and isinstance(request.get("number"), bool):
            request["number"] = int(request["number"])
        return _number(request)

    _threads(listener, lambda one: _lines(one, number))


def prime_time_not_so_deep(listener: socket.socket) -> None:
    def number(line: bytes) -> Any:
        return _number(json.loads(line.decode(), parse_constant=_refuse))

    _threads(listener, lambda one: _lines(one, number))


def prime_time_says_goodbye_without_a_word(listener: socket.socket) -> None:
    _threads(listener, lambda one: _lines(one, malformed=b""))


def prime_time_goes_on(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while (line := stream.readline(LIMIT)).endswith(b"\n"):
                try:
                    connection.sendall(_answer(_prime(_number(_parse(line)))))
                except ValueError:
                    connection.sendall(MALFORMED)

    _threads(listener, serve_one)


def prime_time_answers_the_unfinished(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while line := stream.readline(LIMIT):
                try:
                    connection.sendall(_answer(_prime(_number(_parse(line)))))
                except ValueError:
                    connection.sendall(MALFORMED)
                    return

    _threads(listener, serve_one)


def prime_time_without_limit(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        kept = b""
        while data := connection.recv(LIMIT):
            *lines, kept = (kept + data).split(b"\n")
            for line in lines:
                try:
                    connection.sendall(_answer(_prime(_number(_parse(line)))))
                except ValueError:
                    connection.sendall(MALFORMED)
                    return

    _threads(listener, serve_one)


def prime_time_one_after_the_other(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            _lines(connection)


def prime_time_fragile(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        try:
            _lines(connection)
        except ConnectionResetError:
            os._exit(1)

    _threads(listener, serve_one)


MUTANTS = (
    (prime_time_takes_one_for_a_prime, "small numbers"),
    (prime_time_rounds, "numbers with a fraction or an exponent"),
    (prime_time_counts_in_doubles, "numbers of 24 digits"),
    (prime_time_divides, "numbers of 24 digits"),
    (prime_time_trusts_fermat, "numbers that look prime"),
    (prime_time_too_few_bases, "numbers that look prime"),
    (prime_time_searches_the_text, "fields in any order, among others"),
    (prime_time_takes_a_piece_for_a_line, "a request in pieces"),
    (prime_time_first_line_of_a_piece, "several requests in one piece"),
    (prime_time_answers_early, "all but the newline"),
    (prime_time_takes_nan, "what is no JSON"),
    (prime_time_takes_true_for_one, "what is no number"),
    (prime_time_not_so_deep, "arrays 20,000 deep"),
    (prime_time_says_goodbye_without_a_word, "what is no JSON"),
    (prime_time_goes_on, "what is no JSON"),
    (prime_time_answers_the_unfinished, "last words without a newline"),
    (prime_time_without_limit, "a line that is too long"),
    (prime_time_one_after_the_other, "twenty clients at once"),
    (prime_time_fragile, "a client that vanishes"),
)
