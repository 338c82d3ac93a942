"""One list of dependencies, and every way to install the course leads to it."""

import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from netlab import own_copy

ROOT = Path(__file__).parents[1]
FIRST = "notebooks/00_start_here.ipynb"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
REQUIREMENTS = [Requirement(line) for line in sum(EXTRAS.values(), PROJECT["dependencies"])]
# Written in two halves, or this file would contain what it forbids.
REGISTRIES = [
    first + second
    for first, second in [
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("npm", "js."),
        ("yarn", "pkg.com"),
        ("anaconda", ".org"),
    ]
]


def environment(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def pins() -> dict[str, list[Requirement]]:
    """Return the lines of constraints.txt by name: a package may have one for each Python."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if text := line.partition("#")[0].strip():
            pin = Requirement(text)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def course_files() -> list[Path]:
    """Return the files of the course: all but what tools and runs leave in this folder."""
    made = re.compile(
        r"\.venv|\.git|\..*_cache|__pycache__|\.hypothesis|\.ipynb_checkpoints|.*-info"
    )
    others = {"build", "dist", "test-artifacts", "my-course", "node_modules"}
    found, folders = [], [ROOT]
    while folders:
        for path in folders.pop().iterdir():
            if path.is_dir():
                if not made.fullmatch(path.name) and path.name not in others:
                    folders.append(path)
            elif path.suffix not in (".pyc", ".png"):
                found.append(path)
    return found


def test_the_two_environments_differ_only_in_the_way_to_the_package() -> None:
    here, binder = environment("environment.yml"), environment("binder/environment.yml")
    assert here["dependencies"].pop() == {"pip": ["-e .[lab]"]}
    assert binder["dependencies"].pop() == {"pip": ["-e ..[lab]"]}
    assert here == binder


def test_the_environments_repeat_no_dependency() -> None:
    # Binder reads `python=3.11` and silently falls back to 3.10 for `python>=3.11`.
    assert environment("environment.yml")["dependencies"][:-1] == ["python=3.11", "pip"]


def test_binders_files_are_real() -> None:
    # A symlink is found by Binder but breaks the relative path inside.
    assert not [path for path in (ROOT / "binder").iterdir() if path.is_symlink()]
    for script in ("binder/postBuild", ".ci/run"):
        assert (ROOT / script).stat().st_mode & stat.S_IXUSR, f"{script} is not executable"
        assert (ROOT / script).read_text().startswith("#!")
        subprocess.run(["bash", "-n", ROOT / script], check=True)


def test_dependencies_are_listed_in_one_place() -> None:
    others = "requirements*.txt setup.py setup.cfg Pipfile* uv.lock poetry.lock pylock*.toml"
    assert [path for other in others.split() for path in ROOT.rglob(other) if path in FILES] == []


def test_extras_are_spelled_as_old_pips_know_them() -> None:
    assert [str(each) for each in REQUIREMENTS if any("_" in extra for extra in each.extras)] == []


@pytest.mark.parametrize(
    "requirement",
    [each for each in REQUIREMENTS if each.name != "netlab"],
    ids=lambda each: each.name,
)
def test_a_dependency_is_bounded_and_pinned(requirement: Requirement) -> None:
    assert {spec.operator for spec in requirement.specifier} == {">=", "<"}
    found = pins().get(canonicalize_name(requirement.name), [])
    assert found, "run `make constraints`"
    for pin in found:
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert requirement.specifier.contains(Version(exact.version)), "run `make constraints`"


def test_constraints_are_pins_and_nothing_else() -> None:
    for name, found in pins().items():
        for pin in found:
            assert [spec.operator for spec in pin.specifier] == ["=="], name
            assert pin.url is None, name
            assert not pin.extras, f"{name}: pip refuses extras in constraints"
    assert "netlab" not in pins()


FILES = course_files()


def test_no_file_names_a_registry_or_a_folder_of_this_machine() -> None:
    assert ROOT / "Makefile" in FILES
    assert ROOT / ".ci" / "run" in FILES
    for path in FILES:
        text = path.read_text(encoding="utf-8", errors="replace")
        for forbidden in [*REGISTRIES, f"{ROOT}/"]:
            assert forbidden not in text, f"{path.relative_to(ROOT)} contains {forbidden}"


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_make_does_what_the_texts_say() -> None:
    wanted = "lab test notebooks notebooks-check browser format clean".split()
    assert targets() >= set(wanted)
    for name in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        text = (ROOT / name).read_text()
        named = set(re.findall(r"(?:`|^ *)make ([a-z-]+)", text, re.MULTILINE))
        assert named, f"{name} names no target"
        assert named <= targets(), name


def test_the_readme_begins_with_the_two_commands() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:20])
    assert "make lab" in first_screen
    assert "make test" in first_screen


def test_the_readme_lists_every_chapter() -> None:
    text = (ROOT / "README.md").read_text()
    linked = set(re.findall(r"^\| \[[^]]*\]\((notebooks/\w+\.ipynb)\).*\| ready \|$", text, re.M))
    assert linked == {f"notebooks/{path.name}" for path in ROOT.glob("notebooks/*.ipynb")}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_between_files_resolve(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / name).read_text())
    relative = [link for link in links if "://" not in link]
    assert [link for link in relative if not (ROOT / link).exists()] == []


def test_the_badge_opens_the_first_chapter_in_jupyterlab() -> None:
    (badge,) = re.findall(
        r"\]\((https://mybinder\.org/v2/[^)]+)\)", (ROOT / "README.md").read_text()
    )
    assert parse_qs(urlsplit(badge).query)["urlpath"] == [f"lab/tree/{FIRST}"]
    own = f"{own_copy.FOLDER}/{Path(FIRST).name}"  # `make lab` opens the learner's own copy
    assert f"FIRST := {own}" in (ROOT / "Makefile").read_text()
    assert (ROOT / FIRST).exists()


def test_code_and_prose_have_their_licenses() -> None:
    assert PROJECT["license"] == "MIT AND CC-BY-4.0"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert "creativecommons.org/licenses/by/4.0/" in (ROOT / "LICENSE-CC-BY-4.0").read_text()
