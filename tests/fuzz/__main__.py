"""Fuzz for as long as you like: `make fuzz SECONDS=3600`, or `python -m tests.fuzz --help`.

Each target gets its share of the time. libFuzzer, which atheris drives, keeps every input that
reached code which none had reached before, in build/fuzz/TARGET; tests/fuzz/corpus/TARGET is where
it begins. An input that breaks a promise lies in test-artifacts/fuzz afterwards: mend the fault,
and move it to the corpus, which the tests replay.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import MAX_INPUT_BYTES, TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
FOUND = ROOT / "test-artifacts" / "fuzz"
KEPT = ROOT / "build" / "fuzz"
INPUT_S = 10
"""seconds that one input may take"""
MEMORY_MB = 1_024


def fuzz(name: str, seconds: int) -> str:
    """Fuzz one target, and return its line of the table."""
    kept, found = KEPT / name, FOUND / name
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(kept), str(CORPUS / name)]
    options = {
        "max_total_time": seconds,
        "max_len": MAX_INPUT_BYTES,
        "timeout": INPUT_S,
        "rss_limit_mb": MEMORY_MB,
        "artifact_prefix": f"{found}/",
        "print_final_stats": 1,
        "verbosity": 1,
    }
    command += [f"-{option}={value}" for option, value in options.items()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    tried = re.search(r"number_of_executed_units: *(\d+)", done.stderr)
    reached = re.findall(r"cov: (\d+)", done.stderr)
    line = f"{name:<14}{seconds:>8}{int(tried[1]) if tried else 0:>14,}{reached[-1:] or '?'!s:>10}"
    line = line.replace("['", "").replace("']", "")
    if done.returncode == 0:
        return line
    faults = re.findall(r"^(?:\w*(?:Error|Exception)\b.*|ALARM.*|.*ERROR: libFuzzer.*)$", done.stderr, re.M)
    (found / "log.txt").write_text(done.stderr, encoding="utf-8")
    return f"{line}   BROKEN: {faults[0][:160] if faults else ''} (see {found.relative_to(ROOT)})"


def main() -> int:
    """Fuzz all targets, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"default: all of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=600, help="in total (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="targets at the same time")
    args = parser.parse_args()
    names = args.targets or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no target is called {', '.join(unknown)}; there are: {', '.join(TARGETS)}")
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is missing: install the extra `fuzz`, as `make fuzz` does")
    each_s = max(1, args.seconds * args.workers // len(names))
    print(f"{'target':<14}{'seconds':>8}{'inputs':>14}{'branches':>10}", flush=True)
    broken = False
    with ThreadPoolExecutor(args.workers, "netlab-fuzz") as pool:
        for line in pool.map(lambda name: fuzz(name, each_s), names):
            print(line, flush=True)
            broken = broken or "BROKEN" in line
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
