"""Exercises of chapter 05: saying no, a pool that says what is going on, and starving one."""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers_ch05 import BrokenQueue, CoveredQueue, WatchedQueue, offer
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

# ---------------------------------------------------------------- warm-up

Outcome = tuple[str, list[object]]
"""what the function returns or raises, and what is in the queue then"""


def _offered(
    name: str,
    rule: int,
    maxsize: int,
    waiting: list[object],
    job: object,
    *allowed: Outcome,
    kind: Callable[[int], WatchedQueue] = WatchedQueue,
    aside: str = "",
) -> Probe:
    """A probe of one call: what waits in the queue, what is offered, and what may come of it."""

    def examine(trial: Trial) -> None:
        trial.note(f"jobs = queue.Queue(maxsize={maxsize}); in it: {waiting}{aside}")
        trial.note(f"submit_or_refuse(jobs, {job!r})")
        expected = "; or ".join(_told(*one) for one in allowed)
        try:
            outcome = trial.wait("answer")
        except Broken as broken:
            raise Broken(expected, broken.got) from None
        if outcome not in allowed:
            raise Broken(expected, _told(*outcome))

    return Probe(name, rule, examine, offer, (kind, maxsize, waiting, job))


def _told(said: str, queued: list[object]) -> str:
    return f"{said}, and in the queue {queued}"


submit_or_refuse = Exercise(
    "submit_or_refuse",
    chapter="05",
    kind="warm-up",
    title="Yes or no, at once",
    task="Write `submit_or_refuse(jobs, job)`. `jobs` is a `queue.Queue`, mostly with a limit; "
    "workers take jobs from it, and other threads put jobs into it.",
    rules=(
        "If there is room in the queue, the job is put at its end, and `True` is returned.",
        "If there is none, `False` is returned at once: the code waits for no room, not even a "
        "moment, and the jobs that are in the queue stay there.",
        "Anything may be a job: `None`, `0` and `''`, too.",
        "A queue without a limit (`maxsize=0`) always has room.",
        "Between two calls of yours another thread may take the last place. (The examiner's queue "
        "sees to that: as soon as you have called its `full`, `empty` or `qsize`, it *is* full.) "
        "Then `False` is returned, as above.",
        "`queue.Full` means no. Any other exception is not yours to hide: it goes on to the "
        "caller.",
    ),
    hints=(
        "Do not look first: try, and hear what the queue says. `put` waits for room; which of its "
        "sisters does not?",
        "`jobs.put_nowait(job)` raises `queue.Full` when there is no room.",
        "`try: jobs.put_nowait(job)`, then `except queue.Full: return False`, and at the end "
        "`return True`. No `except` without a name, none with `Exception`.",
    ),
    probes=(
        _offered("there is room", 1, 2, ["a"], "b", ("True", ["a", "b"])),
        _offered("no room", 2, 2, ["a", "b"], "c", ("False", ["a", "b"])),
        _offered("jobs of every kind", 3, 3, [0, ""], None, ("True", [0, "", None])),
        _offered("a queue without a limit", 4, 0, ["a"], "b", ("True", ["a", "b"])),
        _offered(
            "somebody else takes the last place",
            5,
            2,
            ["a"],
            "b",
            ("True", ["a", "b"]),
            ("False", ["a", "a job of somebody else"]),
            kind=CoveredQueue,
            aside=" (who looks at it finds room, and then somebody else takes it)",
        ),
        _offered(
            "an error that has nothing to do with room",
            6,
            2,
            ["a"],
            "b",
            ("raises RuntimeError: the disk is on fire", ["a"]),
            kind=BrokenQueue,
            aside=" (its `put` raises RuntimeError)",
        ),
    ),
)

EXERCISES = (submit_or_refuse,)
