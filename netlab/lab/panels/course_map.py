"""The course as a map: its chapters, and how far the exercises of each are done."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from netlab.lab.labels import visible, width
from netlab.lab.panels.style import STYLE

SIGNS = {"passed": "✓", "tried": "…", "open": "○"}
LEGEND = " · ".join(f"{sign} {state}" for state, sign in SIGNS.items())


def progress(done: Mapping[str, Mapping[str, str]], *, caption: str = "Your progress") -> CourseMap:
    """Show the course chapter by chapter, with the exercises done. No widget: it is stored, too.

        panels.progress({"01 TCP": {"echo": "passed", "framing": "tried"}, "02 UDP": {}})

    Args:
        done: chapter -> exercise -> `"passed"`, `"tried"` or `"open"`.
        caption: what stands above.

    Raises:
        ValueError: an exercise is in another state.
    """
    return CourseMap(done, caption)


class CourseMap:
    """Made by `progress`: HTML, and the same as text."""

    def __init__(self, done: Mapping[str, Mapping[str, str]], caption: str) -> None:
        for chapter, exercises in done.items():
            for name, state in exercises.items():
                if state not in SIGNS:
                    raise ValueError(
                        f"{chapter}, {name}: {state!r} is no state; there are: {', '.join(SIGNS)}"
                    )
        self.done = {chapter: dict(exercises) for chapter, exercises in done.items()}
        self.caption = caption

    @property
    def passed(self) -> int:
        """How many exercises were passed."""
        return sum(_passed(exercises) for exercises in self.done.values())

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(map(len, self.done.values()))

    def __repr__(self) -> str:
        lines = [f"{self.caption}: {self._sum()}"]
        wide = max((width(visible(chapter)) for chapter in self.done), default=0)
        for chapter, exercises in self.done.items():
            name = visible(chapter)
            cells = "  ".join(f"{SIGNS[s]} {visible(one)}" for one, s in exercises.items())
            share = f"{_passed(exercises)}/{len(exercises)}"
            gap = " " * (wide - width(name))
            lines.append(f"  {name}{gap}  {share:>5}  {cells or 'no exercises'}".rstrip())
        return "\n".join([*lines, f"  {LEGEND}"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        rows = "".join(self._row(chapter, one) for chapter, one in self.done.items())
        page = (
            f'<div class="netlab-panel"><style>{STYLE}</style>'
            '<div class="np-scroll"><table class="np-map">'
            f"<caption>{escape(self.caption)}: {self._sum()}</caption><thead><tr>"
            '<th scope="col">Chapter</th><th scope="col">Done</th><th scope="col">Exercises</th>'
            f"</tr></thead><tbody>{rows}</tbody></table></div>"
            f'<div class="np-soft">{LEGEND}</div></div>'
        )
        return {"text/html": page, "text/plain": repr(self)}

    def _sum(self) -> str:
        return f"{self.passed} of {self.total} exercises passed"

    def _row(self, chapter: str, exercises: Mapping[str, str]) -> str:
        share = f"{_passed(exercises)} of {len(exercises)}"
        percent = 100 * _passed(exercises) / len(exercises) if exercises else 0
        bar = (
            f'<span class="np-bar" role="img" aria-label="{share} passed">'
            f'<span style="width:{percent:.0f}%"></span></span>'
        )
        tokens = "".join(
            f'<span class="np-token np-{state}">{SIGNS[state]} {escape(visible(name))}'
            f'<span class="np-hidden">, {state}</span></span> '
            for name, state in exercises.items()
        )
        return (
            f'<tr><th scope="row">{escape(visible(chapter))}</th>'
            f'<td class="np-nowrap">{bar} {share}</td>'
            f"<td>{tokens or '<span class=np-soft>no exercises</span>'}</td></tr>"
        )


def _passed(exercises: Mapping[str, str]) -> int:
    return sum(state == "passed" for state in exercises.values())
