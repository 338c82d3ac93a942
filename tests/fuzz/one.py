"""Fuzz one target with atheris, in a process of its own: libFuzzer ends it when it is done."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["netlab"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """`python -m tests.fuzz.one TARGET`, then libFuzzer's own arguments."""
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
