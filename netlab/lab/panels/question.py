"""Predict, then run: a question before the cell that tells."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

import ipywidgets as widgets

from netlab.lab.panels.panel import Panel
from netlab.lab.panels.parts import button, html, row, show_if
from netlab.lab.panels.style import STYLE

UNKNOWN: Final = object()


def predict(
    question: str, options: Sequence[Any], *, answer: Any = UNKNOWN, why: str = ""
) -> Question:
    """Ask what will happen, before the cell that shows it.

        p = predict("What does recv return?", ["b'hello'", "b''"], answer="b''", why="FIN came")
        ...
        p.reveal()

    Args:
        question: what is asked.
        options: the possible answers, two or more, all different.
        answer: the right one. It never leaves the kernel before it is revealed. Without it the
            truth is what `reveal` is told.
        why: the reason, shown with the truth.

    Raises:
        ValueError: there are fewer than two options, two are the same, or the answer is none.
    """
    return Question(question, options, answer=answer, why=why)


class Question(Panel):
    """Made by `predict`. `chosen` is what was committed to, None before."""

    def __init__(
        self, question: str, options: Sequence[Any], *, answer: Any = UNKNOWN, why: str = ""
    ) -> None:
        if isinstance(options, str) or len(options) < 2:
            raise ValueError(f"options={options!r}: a question has two or more, as a list")
        labels = [str(option) for option in options]
        if len(set(labels)) < len(labels):
            raise ValueError(f"two options are the same: {', '.join(labels)}")
        self.question, self.options = question, tuple(options)
        self.chosen: Any = None
        self._answer, self._why = answer, why
        if answer is not UNKNOWN:
            self._check(answer)
        super().__init__(f"Predict: {question}", "question", 1.0)
        self._rests = True
        self.choice = widgets.RadioButtons(
            options=[(label, number) for number, label in enumerate(labels)],
            value=None,
            layout=widgets.Layout(width="auto"),
        )
        self.choice.add_class("np-choice")
        self.commits = button("Commit", self._commit_choice, primary=True)
        self.compares = button("Compare with what happened", lambda: self._show_truth())
        self._outcome = html()
        self._revealed = False
        self._show()
        self._begin(self.choice, row("np-row", self.commits, self.compares), self._outcome)

    # ------------------------------------------------------------ what a cell can do

    def commit(self, option: Any) -> None:
        """Commit to an option; the first one stands.

        Raises:
            ValueError: it is none of them.
        """
        self._check(option)
        if self.chosen is None:
            self.chosen = option
            self._show()

    def reveal(self, happened: Any = UNKNOWN) -> Verdict:
        """Show the truth beside what was committed to, and return both to be shown by a cell.

        Args:
            happened: the option that turned out to be true, where `predict` got no answer.

        Raises:
            ValueError: it is no option, or there is no answer at all.
        """
        if happened is not UNKNOWN:
            self._check(happened)
            self._answer = happened
        if self._answer is UNKNOWN:
            raise ValueError("no answer is known; pass what happened: reveal(option)")
        self._show_truth()
        return Verdict(self)

    @property
    def correct(self) -> bool | None:
        """Was the prediction right? None: nobody predicted, or the truth is not known yet."""
        if self.chosen is None or self._answer is UNKNOWN:
            return None
        return bool(self.chosen == self._answer)

    def text(self) -> str:
        """Return the question and its options, and what was said of them so far."""
        lines = [self.caption]
        for option in self.options:
            mark = "x" if self.chosen is not None and option == self.chosen else " "
            lines.append(f"  ({mark}) {option}")
        return "\n".join([*lines, *self._outcome_lines()])

    def __repr__(self) -> str:
        # Displayed before anything is chosen, it is the same in each run.
        return f"{self.text()}\n  (to choose, run this cell in JupyterLab)"

    # ------------------------------------------------------------ inside

    def _check(self, option: Any) -> None:
        if option not in self.options:
            raise ValueError(
                f"{option!r} is no option; there are: {', '.join(map(str, self.options))}"
            )

    def _commit_choice(self) -> None:
        if self.choice.value is None:
            self._warn("Choose an option first.")
            return
        self._warn("")
        self.commit(self.options[self.choice.value])

    def _show_truth(self) -> None:
        if self._answer is UNKNOWN:
            self._warn("The cells below will tell. Run them first.")
            return
        self._warn("")
        self._revealed = True
        self._show()

    def _outcome_lines(self) -> list[str]:
        if self._revealed:
            return verdict_lines(self)
        if self.chosen is None:
            return []
        return [f"You predicted: {self.chosen}. Now run the next cells."]

    def _show(self) -> None:
        committed = self.chosen is not None
        if committed:
            self.choice.value = self.options.index(self.chosen)
        self.choice.disabled = committed or self._revealed
        show_if(self.commits, not committed and not self._revealed)
        show_if(self.compares, committed and not self._revealed)
        self._outcome.value = f'<div role="status">{_as_html(self, self._outcome_lines())}</div>'

    def _look(self) -> None:
        """Nothing comes from anywhere: there is nothing to look at."""


class Verdict:
    """What was predicted beside what is true, for the output of a cell."""

    def __init__(self, question: Question) -> None:
        self.question = question

    def __repr__(self) -> str:
        return "\n".join(verdict_lines(self.question))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        inner = _as_html(self.question, verdict_lines(self.question))
        page = f'<div class="netlab-panel"><style>{STYLE}</style>{inner}</div>'
        return {"text/html": page, "text/plain": repr(self)}


def verdict_lines(question: Question) -> list[str]:
    """Return what was predicted, the truth, and why."""
    said = {None: "Nobody predicted.", True: "✓ as predicted", False: "✗ not as predicted"}
    lines = [] if question.chosen is None else [f"You predicted: {question.chosen}"]
    lines.append(f"What happens: {question._answer}")
    lines.append(said[question.correct])
    return [*lines, *([f"Why: {question._why}"] if question._why else [])]


def _as_html(question: Question, lines: list[str]) -> str:
    colours = {"✓": "np-good", "✗": "np-bad"}
    return "".join(
        f'<div class="np-verdict mathjax_ignore {colours.get(line[:1], "")}">{escape(line)}</div>'
        for line in lines
    )
