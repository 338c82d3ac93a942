"""Notebooks as a class hands them in, made from a few cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from netlab.collecting.notebook import Cell, read_cells

IMPORTS = "import socket\nfrom netlab.exercises import ch00, ch01"
RIGHT = """
def family(text):
    if text.startswith("/"):
        return socket.AF_UNIX
    for one in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(one, text)
        except OSError:
            continue
        return one
    raise ValueError(text)
"""
CHECK = "ch01.family.check(family)"


def write(path: Path, *sources: str) -> Path:
    """Write a notebook with these code cells, a text before them."""
    text = {"cell_type": "markdown", "metadata": {}, "source": ["# Mine"]}
    code = [
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["PASSED\n"]}],
            "source": source.splitlines(keepends=True),
        }
        for source in sources
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [text, *code]}
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def cells_of(folder: Path, sources: Sequence[str]) -> list[Cell]:
    """Return these code cells as a notebook's."""
    return read_cells(write(folder / "some.ipynb", *sources))
