"""Fuzz for as long as you like: `make fuzz FUZZ_SECONDS=3600`, or `python -m tests.fuzz --help`.

Each target gets its share of the time. libFuzzer, which atheris drives, keeps every input that
reached code which none had reached before in build/fuzz/TARGET, and goes on from there next time;
tests/fuzz/corpus/TARGET is where it begins. An input that breaks a promise lies in
test-artifacts/fuzz/TARGET afterwards: mend the fault, and move it to the corpus, which the tests
replay.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from netlab.core.messages import REPLY_FIELDS, REQUEST_FIELDS
from tests.fuzz.targets import MAX_INPUT_BYTES, TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
FOUND = ROOT / "test-artifacts" / "fuzz"
KEPT = ROOT / "build" / "fuzz"
INPUT_S = 10
"""seconds that one input may take"""
MEMORY_MB = 1_024
HTTP_WORDS = "Host Upgrade Connection Transfer-Encoding Content-Length chunked websocket HTTP/1.1"
_FAULT = re.compile(r"^(?:\w*(?:Error|Exception)\b.*|ALARM.*|.*ERROR: libFuzzer.*)$", re.M)


def write_dictionary(path: Path) -> None:
    """Write the words of the protocols in libFuzzer's format: chance alone finds few of them.

    Messages are read in C, where no fuzzer of Python sees which byte was looked at.
    """
    both = REQUEST_FIELDS.items() | REPLY_FIELDS.items()
    fields = {f'"{field}":' for _, names in both for field in names}
    tags = {f'{{"type":"{wire_type}",' for wire_type, _ in both}
    words = [*sorted(fields | tags), *HTTP_WORDS.split(), "COOKIE", "tic-tac-toe", "player"]
    lines = ['"{}"'.format("".join(f"\\x{byte:02x}" for byte in word.encode())) for word in words]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def fuzz(name: str, seconds: int) -> tuple[str, bool]:
    """Fuzz one target; return its line of the table, and whether all its promises held."""
    kept, found = KEPT / name, FOUND / name
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    options = {
        "max_total_time": seconds,
        "max_len": MAX_INPUT_BYTES,
        "dict": KEPT / "dictionary",
        "timeout": INPUT_S,
        "rss_limit_mb": MEMORY_MB,
        "artifact_prefix": f"{found}/",
        "print_final_stats": 1,
    }
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(kept), str(CORPUS / name)]
    command += [f"-{option}={value}" for option, value in options.items()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    tried = re.search(r"number_of_executed_units: *(\d+)", done.stderr)
    reached = re.findall(r"cov: (\d+)", done.stderr) or ["?"]
    line = f"{name:<14}{seconds:>8}{int(tried[1]) if tried else 0:>14,}{reached[-1]:>10}"
    if done.returncode == 0:
        return line, True
    (found / "log.txt").write_text(done.stderr, encoding="utf-8")
    fault = _FAULT.search(done.stderr)
    what = fault[0][:160] if fault else f"exit code {done.returncode}"
    return f"{line}   BROKEN: {what} (see {found.relative_to(ROOT)})", False


def main() -> int:
    """Fuzz all targets, or those that are named."""
    parser = argparse.ArgumentParser(
        "python -m tests.fuzz", description="Fuzz the parsers and the chat, each for its share."
    )
    parser.add_argument("targets", nargs="*", help=f"default: all of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=600, help="in total (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="targets at the same time")
    args = parser.parse_args()
    names = args.targets or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no target is called {', '.join(unknown)}; there are: {', '.join(TARGETS)}")
    if args.seconds < 1 or args.workers < 1:
        parser.error("--seconds and --workers are at least 1")
    if importlib.util.find_spec("atheris") is None:
        parser.error(
            "atheris is missing: install the extra `fuzz`, as `make fuzz` does (Linux); without "
            "it, `pytest tests/fuzz` replays the corpus and tries variations of it"
        )
    KEPT.mkdir(parents=True, exist_ok=True)
    write_dictionary(KEPT / "dictionary")
    each_s = max(1, args.seconds * args.workers // len(names))
    print(f"{'target':<14}{'seconds':>8}{'inputs':>14}{'branches':>10}", flush=True)
    all_held = True
    with ThreadPoolExecutor(args.workers, "netlab-fuzz") as pool:
        for line, held in pool.map(lambda name: fuzz(name, each_s), names):
            print(line, flush=True)
            all_held = all_held and held
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main())
