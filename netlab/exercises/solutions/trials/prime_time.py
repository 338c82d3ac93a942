import contextlib
import json
import threading

MAX_LINE_BYTES = 65_536
BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)


def prime_time(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=[connection], daemon=True).start()


def serve_one(connection):
    with connection, contextlib.suppress(OSError), connection.makefile("rb") as stream:
        while (line := stream.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            try:
                prime = is_prime(number_in(line))
            except (ValueError, RecursionError):
                connection.sendall(b'{"error": "malformed"}\n')
                return
            answer = json.dumps({"method": "isPrime", "prime": prime})
            connection.sendall(answer.encode() + b"\n")


def number_in(line):
    request = json.loads(line.decode(), parse_constant=refuse)
    if not isinstance(request, dict) or request.get("method") != "isPrime":
        raise ValueError("no request")
    number = request.get("number")
    if type(number) not in (int, float):  # isinstance would take True for an int
        raise ValueError("no number")
    return number


def refuse(word):
    raise ValueError(f"{word} is no JSON, though Python's json takes it")


def is_prime(number):
    """The test of Miller and Rabin; with these bases it errs for no number below 3.3e24."""
    if isinstance(number, float) or number < 2:
        return False
    if any(number % base == 0 for base in BASES):
        return number in BASES
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(passes(base, number, odd, twos) for base in BASES)


def passes(base, number, odd, twos):
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    return any((power := power * power % number) == number - 1 for _ in range(twos - 1))
