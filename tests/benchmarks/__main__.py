"""`make bench`: netlab's servers beside what people would pick instead, in one run.

python -m tests.benchmarks [--quick] [--write]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks.goals import verdicts
from tests.benchmarks.measure import QUICK, Plan, measure
from tests.benchmarks.picture import picture
from tests.benchmarks.profiles import profile
from tests.benchmarks.report import report

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, PICTURE = DOCS / "benchmarks.md", DOCS / "benchmarks.svg"
BEGIN, END = "<!-- made by `make bench`: begin -->\n", "<!-- made by `make bench`: end -->\n"


def main(argv: list[str] | None = None) -> int:
    """Measure, and print the report; with `--write` it goes into the page, too."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="see that all works, in a minute; no figures to quote"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"into docs/{PAGE.name} and docs/{PICTURE.name}"
    )
    args = parser.parse_args(argv)
    if args.quick and args.write:
        parser.error("figures of --quick are none to keep: leave out --write")
    results = measure(QUICK if args.quick else Plan(), _progress)
    text = report(results)
    missed = {v.goal.ours: None for v in verdicts(results) if v.met is False}
    if missed and not args.quick:
        text += "\n### Where the time goes, where a goal was missed\n\n"
        text += "\n".join(profile(name) for name in missed)
    sys.stdout.write(text)
    if args.write:
        PICTURE.write_text(picture(results))
        page = PAGE.read_text()
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        alt = "Bars: what each server does a second on one core; the tables below have the figures"
        image = f"![{alt}]({PICTURE.name})"
        PAGE.write_text(f"{before}{BEGIN}\n{image}\n\n{text}\n{END}{after}")
    return 0


def _progress(what: str) -> None:
    sys.stderr.write(what + "\n")


if __name__ == "__main__":
    sys.exit(main())
