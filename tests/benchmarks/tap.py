"""What a tap costs, beside a plain relay and no proxy at all, in one run.

    .venv/bin/python -m tests.benchmarks.tap

Each of the four ways (direct, the relay, a tap as it is by default, a tap that keeps everything) is
measured in turn, again and again, so that whatever else the machine does meets them all; the
median counts. The proxies, the server and the client are processes of their own. See
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from netlab.lab import Tap
from tests.benchmarks.relay import Relay

MIB = 2**20
PIECE_BYTES = 256 * 1024
MESSAGE = b"m" * 64
TARGET_MB_PER_CPU_S = 200.0
TARGET_ADDED_MS = 0.3
WAYS = ("direct", "relay", "tap", "tap, all kept")
DEADLINE_S = 60.0


class Sample(NamedTuple):
    """One measurement of one way."""

    mb_per_s: float
    mb_per_cpu_s: float
    """of the proxy's own processor time: what one core would pass, were it busy with that alone"""
    round_trip_ms: float
    """median of the round trips of this sample"""


# ── the other processes ──────────────────────────────────────────────────────────────────────


def serve(pipe: Connection) -> None:
    """A server: b"S" and it takes all that comes, and tells how much; b"E" and it echoes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname())
        threading.Thread(target=_accept, args=[listener], daemon=True).start()
        with contextlib.suppress(EOFError):
            pipe.recv()


def _accept(listener: socket.socket) -> None:
    while True:
        sock, _ = listener.accept()
        with sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if sock.recv(1) == b"S":
                buffer, total = bytearray(PIECE_BYTES), 0
                while count := sock.recv_into(buffer):
                    total += count
                sock.sendall(total.to_bytes(8, "big"))
            else:
                while data := sock.recv(PIECE_BYTES):
                    sock.sendall(data)


def proxy(pipe: Connection, way: str, target: tuple[str, int], kept_bytes: int) -> None:
    """A proxy that answers each word with the processor time it has used, in seconds."""
    made: Any = (
        Relay(target)
        if way == "relay"
        else Tap(target)
        if way == "tap"
        else Tap(target, max_bytes=kept_bytes)
    )
    with made:
        pipe.send(made.address)
        with contextlib.suppress(EOFError):
            while True:
                if pipe.recv() == "begin" and isinstance(made, Tap):
                    made.recording.clear()
                pipe.send(time.process_time())


@contextmanager
def child(what: Any, *arguments: Any) -> Iterator[tuple[Connection, tuple[str, int]]]:
    """Run `what` in a process; yield the pipe to it, and its address. It ends with its pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=what, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        if not ours.poll(DEADLINE_S):
            raise TimeoutError(f"{what.__name__} did not start within {DEADLINE_S:g} s")
        yield ours, ours.recv()
    finally:
        ours.close()
        process.join(DEADLINE_S)


# ── measuring ────────────────────────────────────────────────────────────────────────────────


def bulk(address: tuple[str, int], size: int) -> float:
    """Send `size` bytes, wait until the server has them all; return the seconds that took."""
    piece = bytes(PIECE_BYTES)
    with socket.create_connection(address, DEADLINE_S) as sock:
        begin = time.perf_counter()
        sock.sendall(b"S")
        for _ in range(size // PIECE_BYTES):
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        arrived = int.from_bytes(sock.recv(8, socket.MSG_WAITALL), "big")
        took_s = time.perf_counter() - begin
    if arrived != size // PIECE_BYTES * PIECE_BYTES:
        raise RuntimeError(f"{size} bytes were sent, {arrived} arrived")
    return took_s


def round_trip(address: tuple[str, int], rounds: int) -> float:
    """Return the median of `rounds` round trips of a small message, in milliseconds."""
    found = []
    with socket.create_connection(address, DEADLINE_S) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(b"E")
        for _ in range(rounds):
            begin = time.perf_counter()
            sock.sendall(MESSAGE)
            if sock.recv(len(MESSAGE), socket.MSG_WAITALL) != MESSAGE:
                raise RuntimeError("another message came back")
            found.append(1000 * (time.perf_counter() - begin))
    return statistics.median(found)


def sample(pipe: Connection | None, address: tuple[str, int], size: int, rounds: int) -> Sample:
    """Measure one way once; `pipe` leads to its proxy."""

    def cpu_s(word: str) -> float:
        if pipe is None:
            return float("nan")
        pipe.send(word)
        return float(pipe.recv())

    before_s = cpu_s("begin")
    took_s = bulk(address, size)
    used_s = cpu_s("end") - before_s
    cpu_s("begin")
    return Sample(size / took_s / 1e6, size / used_s / 1e6, round_trip(address, rounds))


def measure(runs: int, size: int, rounds: int) -> dict[str, list[Sample]]:
    """Return `runs` samples of each way, taken in turn, after one that warms up."""
    samples: dict[str, list[Sample]] = {way: [] for way in WAYS}
    with contextlib.ExitStack() as stack:
        _, server = stack.enter_context(child(serve))
        # Each chunk counts 256 bytes beside its data, and chunks may be small.
        ends: dict[str, tuple[Connection | None, tuple[str, int]]] = {"direct": (None, server)}
        for way in WAYS[1:]:
            ends[way] = stack.enter_context(child(proxy, way, server, 4 * size + 64 * MIB))
        for run in range(runs + 1):
            for way in WAYS:
                one = sample(*ends[way], size, rounds)
                if run:
                    samples[way].append(one)
    return samples


def report(samples: dict[str, list[Sample]]) -> Iterator[str]:
    """Yield lines: a table of medians, and what a tap costs against the relay."""
    yield f"{'median of ' + str(len(samples['tap'])) + ' runs':<18}{'MB/s':>8}" + (
        f"{'MB/s per core':>16}{'round trip ms':>16}"
    )
    medians = {}
    for way, found in samples.items():
        medians[way] = one = Sample(*(statistics.median(part) for part in zip(*found, strict=True)))
        core = "-" if one.mb_per_cpu_s != one.mb_per_cpu_s else f"{one.mb_per_cpu_s:,.0f}"
        yield f"{way:<18}{one.mb_per_s:>8,.0f}{core:>16}{one.round_trip_ms:>16.3f}"
    for way in WAYS[2:]:
        pairs = list(zip(samples[way], samples["relay"], strict=True))
        ratio = statistics.median(ours.mb_per_cpu_s / other.mb_per_cpu_s for ours, other in pairs)
        wall = statistics.median(ours.mb_per_s / other.mb_per_s for ours, other in pairs)
        added_ms = statistics.median(
            ours.round_trip_ms - other.round_trip_ms for ours, other in pairs
        )
        yield (
            f"{way} : relay = {ratio:.2f} per core, {wall:.2f} by the clock; "
            f"{added_ms:+.3f} ms a round trip"
        )
        enough = medians[way].mb_per_cpu_s >= TARGET_MB_PER_CPU_S
        soon = added_ms <= TARGET_ADDED_MS
        yield (
            f"  at least {TARGET_MB_PER_CPU_S:.0f} MB/s per core: {'yes' if enough else 'NO'}; "
            f"at most {TARGET_ADDED_MS:g} ms added to the relay's round trip: "
            f"{'yes' if soon else 'NO'}"
        )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.tap", description="What a tap costs.")
    parser.add_argument("--runs", type=int, default=9, help="of each way (default: %(default)s)")
    parser.add_argument(
        "--mib", type=int, default=128, help="of bulk data a run (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=1_000, help="round trips a run (default: %(default)s)"
    )
    args = parser.parse_args(argv)
    if min(args.runs, args.mib, args.rounds) < 1:
        parser.error("each of --runs, --mib and --rounds is 1 or more")
    for line in report(measure(args.runs, args.mib * MIB, args.rounds)):
        sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
