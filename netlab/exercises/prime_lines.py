"""What `prime-time` asks, and the right answers: numbers, requests, and lines that are neither."""

from __future__ import annotations

import json

BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
"""enough for every number of 24 digits (Sorenson and Webster 2015: up to 3.3e24)"""
FRACTIONS = ("3.5", "-0.25", "2.9999999", "7.5e0", "1e400", "-1E+400", "1.1e-7")
LARGE = (
    2**61 - 1,  # prime; the next two are none, and a double cannot tell the three apart
    2**61,
    2**61 + 1,
    9_007_199_254_740_997,  # the first prime past 2**53
    18_446_744_073_709_551_629,  # the first past 2**64
    999_999_999_999_999_999_999_743,  # the last of 24 digits
    999_999_999_978_000_000_000_121,  # the square of 999,999,999,989
)
PRETENDERS = (561, 1105, 2047, 8911, 29341, 62745, 1_373_653, 3_215_031_751)
"""Carmichael numbers, and composites that pass the test of Miller and Rabin for small bases"""
FIELDS = (
    b'{"number":13,"method":"isPrime"}\n',
    b' { "method" : "isPrime" , "number" : 13 }\r\n',
    b'{"id":[7,{"number":4}],"method":"isPrime","number":13,"note":null}\n',
    b'{"x":"\\"number\\":8,","\\u006dethod":"is\\u0050rime","number":13}\n',
    '{"naïve":"\N{SNOWMAN}","method":"isPrime","number":13}\n'.encode(),
)
NO_JSON = (
    b"\n",
    b"isPrime 7\n",
    b'{"method":"isPrime","number":7\n',
    b"{'method':'isPrime','number':7}\n",
    b'{"method":"isPrime","number":7} 7\n',
    b'{"method":"isPrime","number":NaN}\n',
    b'{"method":"isPrime","number":Infinity}\n',
    b'{"method":"isPrime","number":0x7}\n',
    b'{"method":"isPrime","number":7,"\xff":1}\n',
)
NO_REQUEST = (
    b"{}\n",
    b"7\n",
    b'["isPrime",7]\n',
    b"null\n",
    b'{"method":"isPrime"}\n',
    b'{"number":7}\n',
    b'{"method":"isprime","number":7}\n',
    b'{"method":["isPrime"],"number":7}\n',
)
NO_NUMBER = ('"7"', "true", "false", "null", "[7]", '{"number":7}')


def is_prime(number: int) -> bool:
    """Is it, as far as 24 digits? The test of Miller and Rabin."""
    if number < 2 or any(number % base == 0 for base in BASES):
        return number in BASES
    odd = number - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    return all(
        power == 1 or any(pow(base, odd << n, number) == number - 1 for n in range(twos))
        for base in BASES
        for power in (pow(base, odd, number),)
    )


def judge(line: bytes) -> bool | None:
    """Return whether the number of a request is prime; None: it is no request."""
    try:
        request = json.loads(line.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict) or request.get("method") != "isPrime":
        return None
    number = request.get("number")
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return isinstance(number, int) and is_prime(number)


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no JSON")
