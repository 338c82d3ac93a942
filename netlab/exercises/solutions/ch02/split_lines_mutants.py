"""Faulty variants of `split_lines`, each with the probe that catches it."""

from __future__ import annotations


def split_without_the_tail(tail: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    *lines, rest = data.split(b"\n")
    return lines, rest


def split_everything(tail: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    return (tail + data).split(b"\n"), b""


def split_without_empty_lines(tail: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    *lines, rest = (tail + data).split(b"\n")
    return [line for line in lines if line], rest


def split_replacing_the_tail(tail: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    if b"\n" not in data:
        return [], data
    *lines, rest = (tail + data).split(b"\n")
    return lines, rest


MUTANTS = (
    (split_without_the_tail, "the other half"),
    (split_everything, "one whole line"),
    (split_without_empty_lines, "empty lines"),
    (split_replacing_the_tail, "no newline, twice"),
)
