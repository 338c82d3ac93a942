"""The hooks of pre-commit check what `make test` checks, with the same tools."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
WORDS = re.compile(r"\t\$\((?:RUN|BIN)\)(?:/| -m )(?P<command>[^\n]+)")


def commands_of_make() -> set[str]:
    target = (ROOT / "Makefile").read_text().partition("\ntest:")[2].partition("\n\n")[0]
    found = [one["command"].removesuffix(" --check") for one in WORDS.finditer(target)]
    return {one for one in found if not one.startswith("pytest")}


def test_the_hooks_are_the_checks_of_make() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [one["repo"] for one in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    said = set()
    for hook in hooks:
        program, *words = shlex.split(hook["entry"])
        assert program.startswith(".venv/bin/")
        assert (Path(sys.executable).parent / Path(program).name).exists()
        words = [word for word in words if word not in ("-m", "--force-exclude")]
        said.add(" ".join([Path(program).name, *words]).removeprefix("python "))
    assert said == commands_of_make() == {"ruff check", "ruff format", "codespell", "mypy"}
