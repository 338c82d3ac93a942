"""`netlab doctor`: has this machine what the course needs, and if not, what is to be done?

    netlab.doctor()          # in a cell: a table
    netlab doctor --verbose  # in a terminal: with versions and paths

When all is fine the report is the same on every machine: no version, path, port or time is in it.
Like `cli`, this module runs on Pythons that are too old for the rest.
"""

from __future__ import annotations

import argparse
import html
import threading
from collections.abc import Callable
from dataclasses import dataclass

from netlab.terminal import harmless, say

DEADLINE_S = 10.0
"""seconds that one check may take"""
INSTALL = "run `make lab`, or `python -m pip install -e '.[lab]'` in the folder of the course"
OK, WARNING, FAILED = "ok", "warning", "failed"
# JupyterLab's own green and orange are too faint for text (WCAG 2.2, 1.4.3). The word says it, too.
_DARK = "--ok:#4fd0a5;--warning:#f5b063;--failed:#ff8fa6"
_STYLE = f"""
.netlab-doctor{{--ok:#00694d;--warning:#8a4b00;--failed:#b00040}}
[data-jp-theme-light=false] .netlab-doctor,[data-theme=dark] .netlab-doctor,
.vscode-dark .netlab-doctor{{{_DARK}}}
@media (prefers-color-scheme:dark){{
 body:not([data-jp-theme-light],[data-theme],.vscode-light) .netlab-doctor{{{_DARK}}}}}
"""


@dataclass(frozen=True)
class Finding:
    """What one check found: `outcome` is ok, warning or failed; `remedy` is what to do about it."""

    name: str
    outcome: str
    text: str
    remedy: str = ""
    details: tuple[str, ...] = ()
    """versions, paths and the like, for `--verbose`"""


Check = Callable[[], Finding]


@dataclass(frozen=True)
class Report:
    """What the doctor found. Its text is for a terminal, and a notebook shows it as a table."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that is needed failed; warnings do not count."""
        return all(finding.outcome != FAILED for finding in self.findings)

    @property
    def conclusion(self) -> str:
        """The last line."""
        count = sum(finding.outcome == FAILED for finding in self.findings)
        if count:
            return f"{count} of {len(self.findings)} checks failed: do what stands beside ->"
        if any(finding.outcome == WARNING for finding in self.findings):
            return "all that is needed is here; the warnings say what is missing for some cells"
        return "all is well"

    def text(self, verbose: bool = False) -> str:
        """Return the report in lines; `verbose` adds the details."""
        lines = []
        for finding in self.findings:
            lines.append(f"{finding.outcome:7}  {finding.name}: {finding.text}")
            if finding.remedy:
                lines.append(f"         -> {finding.remedy}")
            if verbose:
                lines += [f"         {detail}" for detail in finding.details]
        return "\n".join(harmless(line) for line in [*lines, self.conclusion])

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = []
        for finding in self.findings:
            remedy = f"<br><b>→ {html.escape(finding.remedy)}</b>" if finding.remedy else ""
            rows.append(
                f'<tr><td style="color:var(--{finding.outcome});font-weight:bold">'
                f'{finding.outcome}</td><td style="text-align:left">{html.escape(finding.name)}'
                f'</td><td style="text-align:left">{html.escape(finding.text)}{remedy}</td></tr>'
            )
        return (
            f'<div class="netlab-doctor"><style>{_STYLE}</style><table><tbody>{"".join(rows)}'
            f"</tbody></table><p>{html.escape(self.conclusion)}</p></div>"
        )


def doctor() -> Report:
    """Look at this machine and this Python. Takes about a second; each check has a deadline."""
    from netlab.diagnosis_checks import CHECKS

    return examine(CHECKS)


def examine(checks: tuple[tuple[str, Check], ...], deadline_s: float = DEADLINE_S) -> Report:
    """Make each check, for at most `deadline_s` seconds; one that raises has failed."""
    return Report(tuple(_make(name, check, deadline_s) for name, check in checks))


def _make(name: str, check: Check, deadline_s: float) -> Finding:
    # In a thread, because nothing else can give up on getaddrinfo.
    found = []

    def run() -> None:
        try:
            found.append(check())
        except Exception as error:
            found.append(
                Finding(
                    name,
                    FAILED,
                    f"the check itself failed: {type(error).__name__}: {error}",
                    "report this to the authors of netlab, with the output of --verbose",
                )
            )

    thread = threading.Thread(target=run, name="netlab-doctor", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if not found:
        return Finding(
            name,
            FAILED,
            f"no result within {deadline_s:g} s",
            "something on this machine keeps it waiting, a firewall or a name server, say: "
            "find out which, and try again",
        )
    return found[0]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `netlab doctor` takes."""
    parser.add_argument("--verbose", action="store_true", help="show versions and paths, too")


def run(args: argparse.Namespace) -> int:
    """Print the report; 1: something that is needed failed."""
    report = doctor()
    say(report.text(args.verbose))
    return 0 if report.ok else 1
