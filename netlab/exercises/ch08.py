"""Exercises of chapter 08: coroutines that ask, pass on, and end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from netlab.exercises.accused_workers import (
    careless_worker,
    deaf_worker,
    plain_worker,
    tidy_worker,
)
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.judges import judge_one
from netlab.exercises.peers_ch08 import cancel_while_full, meet_servers
from netlab.exercises.relaying import (
    both_ways,
    client_ends,
    client_vanishes,
    last_words,
    nobody_upstream,
    server_ends,
    server_vanishes,
    slow_client,
    two_at_once,
)
from netlab.exercises.trial import Trial
from netlab.exercises.upstream import serve_between
from netlab.exercises.verdicts import verdict
from netlab.exercises.words import Broken

# ---------------------------------------------------------------- warm-up: many at once

PATIENCE_S = 0.3
"""seconds that the code is to wait for answers"""
_WHAT = {
    "answers": "answers when all have been asked",
    "pieces": "answers in two pieces, when all have been asked, and says more",
    "silent": "accepts, and says nothing",
    "leaves": "closes without an answer",
    "half": "closes in the middle of its answer",
    "refuses": "does not exist",
}


def _asked(kinds: Sequence[str]) -> Callable[[Trial], None]:
    expected = [
        f"answer {number}" if kind in ("answers", "pieces") else None
        for number, kind in enumerate(kinds, 1)
    ]

    def examine(trial: Trial) -> None:
        for number, kind in enumerate(kinds, 1):
            trial.note(f"server {number} {_WHAT[kind]}")
        trial.note(f"ask_all(addresses, 'ready?', {PATIENCE_S})")
        answer = trial.wait("answer", 4.0)
        if answer != expected:
            raise Broken(repr(expected), repr(answer))
        asked = trial.wait("asked", 4.0)
        if any(words not in ("", "ready?\n") for words in asked):
            raise Broken(r"'ready?\n' sent to each", repr(asked), rule=1)
        closed = trial.wait("closed", 4.0)
        if not all(closed):
            raise Broken("every connection to be closed", "one that is still open", rule=5)
        trial.tally()

    return examine


def _asks(name: str, rule: int, *kinds: str) -> Probe:
    return Probe(name, rule, _asked(kinds), meet_servers, (kinds, PATIENCE_S))


ask_all = Exercise(
    "ask_all",
    chapter="08",
    kind="warm-up",
    title="Ask them all at once",
    task="Write `async def ask_all(addresses, question, timeout_s)`. It asks several servers the "
    "same question and returns the list of their answers.",
    rules=(
        r"Each server is sent `question` (a `str`) and a newline. Its answer is the next line it "
        r"sends, as a `str` without its `\n`; what comes behind that is not of interest.",
        "The list has an answer for each address, in the order of `addresses`; it is `[]` if there "
        "are none.",
        "All are asked at the same time. (The examiner's servers answer when all have been asked.)",
        "`None` stands for a server that has not answered after `timeout_s` seconds, that refuses "
        "the connection, or that ends before its line is complete. The others' answers are "
        "returned all the same.",
        "When it returns, every connection is closed, those of the late ones, too.",
    ),
    hints=(
        "Write `async def ask(address)` for one server first, with `asyncio.open_connection` and "
        "`readline`. What does `readline` return if the stream ends in the middle of a line?",
        "`asyncio.timeout(timeout_s)` around all that `ask` does, and `except (OSError, "
        "TimeoutError): return None`. Whatever happens, `writer.close()`: in a `finally`.",
        "`asyncio.TaskGroup` starts one task for each and waits for all; `task.result()` in the "
        "order in which you started them. (Or `asyncio.gather`.)",
    ),
    probes=(
        _asks("one server", 1, "answers"),
        _asks("nobody to ask", 2),
        _asks("an answer in pieces", 1, "pieces"),
        _asks("three at once", 3, "answers", "answers", "answers"),
        _asks("one refuses", 4, "answers", "refuses", "answers"),
        _asks("one is silent", 4, "silent", "answers"),
        _asks("one leaves", 4, "answers", "leaves"),
        _asks("one leaves in the middle", 4, "half", "answers"),
        _asks("all kinds", 5, "silent", "refuses", "pieces", "half", "leaves", "answers"),
    ),
)

# ---------------------------------------------------------------- core: a relay


def _cancelled(trial: Trial) -> None:
    trial.note("the client sends and sends; the server upstream reads nothing, so all is full")
    trial.note("the task of your coroutine is cancelled")
    how, client_closed, upstream_closed, left = trial.wait("answer", 8.0)
    if how != "cancelled":
        raise Broken("the task to end as cancelled", how)
    if left:
        raise Broken("no task left behind", f"tasks that still run: {left}")
    if not (client_closed and upstream_closed):
        raise Broken("both connections to be closed", "one that is still open")


def _relays(name: str, rule: int, examine: Callable[[Trial], None]) -> Probe:
    return Probe(name, rule, examine, serve_between)


relay = Exercise(
    "relay",
    chapter="08",
    kind="core",
    title="A relay that keeps nothing",
    task="Write `async def relay(reader, writer, upstream)`. It is called for each client, as by "
    "`asyncio.start_server`, with the client's streams; `upstream` is the address of a server, a "
    "pair of host and port. It connects there and passes on what either side says.",
    rules=(
        "Each byte is passed on to the other side, unchanged, in order, and as soon as it comes: "
        "it waits neither for a newline nor for more.",
        "When one side has finished sending (FIN), the other side is told so (`write_eof`) behind "
        "the last byte, and may still answer. When both have finished, both connections are "
        "closed.",
        "If nobody listens upstream, the client's connection is closed. The next client may find "
        "somebody there again.",
        "If one side vanishes (RST), the other's connection is closed, with FIN or RST.",
        "A side that does not read holds up the other: of what is on its way at most a megabyte "
        "is kept in your program. Other clients are not held up.",
        "If it is cancelled, it ends as cancelled, within a second, even while a write waits: "
        "both connections are closed, and no task is left behind.",
    ),
    hints=(
        "One direction is a loop: `read`, `write`, `await drain()`, until `b''`; then "
        "`write_eof()`. Two of them have to run at the same time.",
        "`async with asyncio.TaskGroup()` runs both, and cancels both when one raises or when it "
        "is cancelled itself. What it raises is an `ExceptionGroup`: `except* OSError`.",
        "Close both writers in a `finally`. A `close` waits for what is unsent, and a peer that "
        "does not read never takes it: `writer.transport.abort()`, where it did not end well.",
    ),
    probes=(
        _relays("both ways", 1, both_ways),
        _relays("last words", 2, last_words),
        _relays("the client has finished", 2, client_ends),
        _relays("the server has finished", 2, server_ends),
        _relays("nobody upstream", 3, nobody_upstream),
        _relays("a client that vanishes", 4, client_vanishes),
        _relays("a server that vanishes", 4, server_vanishes),
        _relays("two at once", 5, two_at_once),
        _relays("a client that does not read", 5, slow_client),
        Probe("cancelled while a write waits", 6, _cancelled, cancel_while_full),
    ),
    converse=_relays("both ways", 1, both_ways),
    preload=("asyncio",),
)

# ---------------------------------------------------------------- red team

Worker = Callable[[], Coroutine[Any, Any, None]]


def _judged(name: str, rule: int, worker: Worker, fault: str = "") -> Probe:
    examine = verdict(fault, praise="this worker ends as it should", late_rule=5, timeout_s=4.0)
    return Probe(name, rule, examine, judge_one, (worker,))


cancel_probe = Exercise(
    "cancel_probe",
    chapter="08",
    kind="red-team",
    title="Red team: the worker that does not end",
    task="A worker is a coroutine that works until it is cancelled. One of them takes the "
    "cancellation for an error like any other and goes on; another ends, and its helper does not. "
    "Write `async def cancel_probe(worker)`, which raises `AssertionError` for both.",
    rules=(
        "`worker()` makes the coroutine, as for `asyncio.create_task`. It never ends by itself.",
        "`AssertionError` is raised for a worker that still runs half a second after it was "
        "cancelled once.",
        "So it is for a worker after whose end a task still runs that it has started.",
        "For a correct worker nothing is raised. It may have helpers, and may take a tenth of a "
        "second to put things away.",
        "It is done (returns or raises) within 3 seconds, and leaves no correct worker running.",
    ),
    hints=(
        "A task must have begun before it is cancelled, or its coroutine never sees it: give it a "
        "moment first (`await asyncio.sleep(0.05)`).",
        "`await asyncio.wait({task}, timeout=0.5)` waits for its end and raises nothing, whatever "
        "the end is. `task.done()` says if there was one.",
        "`asyncio.all_tasks()` before and after: what is there now, and was not there before, and "
        "is not done?",
    ),
    probes=(
        _judged("the worker that goes on", 2, deaf_worker, "this worker still runs"),
        _judged("the worker whose helper goes on", 3, careless_worker, "its helper still runs"),
        _judged("a correct worker", 4, plain_worker),
        _judged("a correct worker with a helper", 4, tidy_worker),
    ),
    preload=("asyncio",),
)

EXERCISES = (ask_all, relay, cancel_probe)
