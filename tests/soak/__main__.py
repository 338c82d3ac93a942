"""`make soak`: all servers under honest, slow, hostile and vanishing clients, for a given time.

python -m tests.soak [--minutes N] [--idle N] [--write]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.soak.idle import TRANSPORTS, be_idle
from tests.soak.report import picture, report
from tests.soak.soak import Plan, soak

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, PICTURE = DOCS / "robustness.md", DOCS / "robustness.svg"
BEGIN, END = "<!-- made by `make soak`: begin -->\n", "<!-- made by `make soak`: end -->\n"
LEAST_MINUTES = 5.0
"""what a soak has to take for its figures to be kept"""


def main(argv: list[str] | None = None) -> int:
    """Soak, and print the report; with `--write` it goes into the page, too. 1: a fault."""
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=_minutes, default=30.0, help="default: %(default)g")
    parser.add_argument(
        "--idle", type=int, default=10_000, help="idle clients (default: %(default)s); 0 = none"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"into docs/{PAGE.name} and docs/{PICTURE.name}"
    )
    args = parser.parse_args(argv)
    if args.write and args.minutes < LEAST_MINUTES:
        parser.error(f"under {LEAST_MINUTES:g} minutes, figures are none to keep: no --write")
    idle = [be_idle(transport, args.idle) for transport in TRANSPORTS if args.idle > 0]
    plan, begin = Plan(seconds=60 * args.minutes), time.monotonic()
    logs = soak(plan, _progress)
    text = report(plan, time.monotonic() - begin, logs, idle)
    sys.stdout.write(text)
    bad = [log for log in logs if log.faults or not log.back() or not log.flat()]
    for log in bad:
        sys.stderr.write("\n".join([f"{log.transport}:", *log.faults[:40]]) + "\n")
    if args.write:
        PICTURE.write_text(picture(logs))
        before, _, rest = PAGE.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        alt = "Curves: the memory of each server against time; the table below has the figures"
        PAGE.write_text(f"{before}{BEGIN}\n![{alt}]({PICTURE.name})\n\n{text}\n{END}{after}")
    return 1 if bad or not all(one.back for one in idle) else 0


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0.1 <= minutes <= 24 * 60:
        raise argparse.ArgumentTypeError(f"{text!r}: minutes are a number from 0.1 to 1440")
    return minutes


def _progress(what: str) -> None:
    sys.stderr.write(what + "\n")


if __name__ == "__main__":
    sys.exit(main())
