"""What an answer needs is found by name, and not much more is run."""

from __future__ import annotations

import ast

import pytest

from netlab.collecting.needs import needed


def needs(above: str, answer: str) -> list[str]:
    return needed(ast.parse(above).body, ast.parse(answer).body)


@pytest.mark.parametrize(
    ("above", "answer", "found"),
    [
        ("import socket\nimport json", "def f(): return socket", ["import socket"]),
        ("a = 1\nb = a\nc = 3", "f(b)", ["a = 1", "b = a"]),
        ("def g(): return h()\ndef h(): return 1", "def f(): return g()", 2),
        ("server = start()", "def f():\n    server = 1\n    return server", []),  # a local name
        ("import a.b", "def f(): return a.b.c()", ["import a.b"]),
        ("x = 1\ndef x(): pass", "x()", ["def x():\n    pass"]),  # the last definition counts
        ("import a\nx = []\nx[0] = 1\nx.b = 2", "x", ["x = []", "x[0] = 1", "x.b = 2"]),
        ("x = 1\nx += 2", "x", ["x = 1", "x += 2"]),
        ("a = b = 1", "b", ["a = b = 1"]),
        ("with open(p) as f: y = 1", "y", ["with open(p) as f:\n    y = 1"]),
        ("one = await thing()", "one", ["one = await thing()"]),
        ("x = 0", "x = 1\nx", []),  # the cell's own
        ("x = 0", "x = x + 1", ["x = 0"]),  # used before it is set
        ("x = 0", "def f(): return x\nx = 1\nf()", []),  # set by the time it is called
        ("L = 1", "class A(B):\n    y = L\n    def m(self): return L", ["L = 1"]),
        ("B = 1", "class A(B): pass", ["B = 1"]),
        ("def d(f): return f", "@d\ndef f(): pass", ["def d(f):\n    return f"]),
        ("T = int", "def f(x: T) -> T: pass", ["T = int"]),
        ("total = 0", "def f():\n    global total\n    total += 1", ["total = 0"]),
        ("for i in range(3): k = i", "k", ["for i in range(3):\n    k = i"]),
        ("if a: b = 1\nelse: b = 2", "b", ["if a:\n    b = 1\nelse:\n    b = 2"]),
        ("x = 1\nprint(x)\nx.append(2)", "x", ["x = 1"]),  # what a call does, nobody knows
        ("", "print(len([]))", []),
        ("from os.path import *\nimport re", "basename", ["from os.path import *"]),
    ],
)
def test_by_name(above: str, answer: str, found: list[str] | int) -> None:
    result = needs(above, answer)
    assert (len(result) if isinstance(found, int) else result) == found


def test_a_name_that_needs_itself_ends() -> None:
    assert needs("def a(): b()\ndef b(): a()", "a()") == [
        "def a():\n    b()",
        "def b():\n    a()",
    ]
