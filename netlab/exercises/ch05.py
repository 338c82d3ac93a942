"""Exercises of chapter 05: saying no, a pool that says what is going on, and starving one."""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises import pool_talks, pools
from netlab.exercises.calls import Function
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.judges import judge_server
from netlab.exercises.peers_ch05 import BrokenQueue, CoveredQueue, WatchedQueue, offer, serve_pool
from netlab.exercises.pool_talks import IDLE_S, PATIENT_S
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict
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

# ---------------------------------------------------------------- core: a pool server


def _pool(
    name: str,
    rule: int,
    examine: Callable[[Trial], None],
    *,
    workers: int = 1,
    queue_size: int = 2,
    idle_seconds: float = PATIENT_S,
) -> Probe:
    arguments = (pool_talks.answer, workers, queue_size, idle_seconds)
    return Probe(name, rule, examine, serve_pool, arguments)


_ONE_MORE = _pool("one more client than workers", 4, pool_talks.one_more, workers=2)

pool_server = Exercise(
    "pool_server",
    code_name="PoolServer",
    chapter="05",
    kind="core",
    title="A pool that says what is going on",
    task="Write the class `PoolServer`, a TCP server made with `PoolServer(answer, workers, "
    "queue_size, idle_seconds)`. It has `workers` workers, and each of them serves one client at "
    "a time, for as long as that one stays. The others are told how things are: what the server "
    "says on its own account is one of the lines `waiting`, `full`, `idle` and `error`, each "
    r"ending in `\n`.",
    rules=(
        "`start()` listens on `127.0.0.1`, on a free port, and returns: clients can connect from "
        "then on, and `address` is the pair of host and port.",
        r"A line that a client sends ends in `\n`. `answer(line)` says what to send back, and a "
        r"`\n` goes behind it; the line and the answer are `bytes` without the `\n`. Lines are "
        "answered in order; one may come in pieces, and several in one piece. Once a client has "
        "finished sending (`recv` returns `b''`) and has all its answers, its connection is "
        "closed, and the worker is free.",
        "Whatever `Exception` `answer` raises (`TimeoutError` and `OSError`, too), the client "
        "hears `error` in place of that answer, and goes on being served.",
        "`workers` clients are served at the same time, and no more. A client that finds all "
        "workers taken hears `waiting` at once. When a worker is free, it serves the one that has "
        "waited longest; what that one sent meanwhile is answered now.",
        "`queue_size` clients may wait; 0: nobody. A client that finds as many waiting hears "
        "`full` at once, and its connection is closed.",
        "A client that is being served and sends nothing for `idle_seconds` (which may be a "
        "fraction) hears `idle`, and its connection is closed. Each time it sends any "
        "bytes, half a line, too, and when its service begins, the time begins anew: waiting for a "
        "worker is not being idle.",
        "A client that vanishes (RST: `recv` or `sendall` raises `ConnectionError`), served or "
        "waiting, costs nobody else anything. (It may keep its place in the queue until a worker "
        "comes to it.)",
        "`stop()` returns within a second, even if clients are silent. Then every connection of "
        "the server is closed, and its listener, and no thread that it started still runs. It is "
        "called once, after `start()`.",
    ),
    hints=(
        "One thread accepts; a `ThreadPoolExecutor(workers)` serves. Keep the connections of all "
        "who are inside, served or waiting, in a set with a lock: how many there are tells the "
        "accepting thread whether a newcomer is served, waits or is refused. A job takes its "
        "client out of the set in a `finally`.",
        "`client.settimeout(idle_seconds)`, then `for line in client.makefile('rb')`: a "
        "`TimeoutError` there means idle, another `OSError` means vanished, and the end of the "
        "loop means goodbye. So that `answer` cannot be taken for either, it gets a `try` with "
        "`except Exception` of its own. And close the file, too: a connection is closed when both "
        "are.",
        "`stop`, in this order: `listener.shutdown(socket.SHUT_RDWR)` wakes the accepting thread "
        "(its `accept` raises `OSError`); join it; close the listener; shut down each connection "
        "in the set, which wakes the workers; and only then `pool.shutdown()`, which waits for "
        "them.",
    ),
    probes=(
        _pool("one client", 1, pool_talks.one_line),
        _pool("lines in pieces, and several in one", 2, pool_talks.cut_lines),
        _pool("a client that has said all it had to say", 2, pool_talks.goodbye),
        _pool("lines that cannot be answered", 3, pool_talks.poison),
        _pool("as many clients as workers", 4, pool_talks.all_workers, workers=2),
        _ONE_MORE,
        _pool("the order of coming", 4, pool_talks.in_turn),
        _pool("no room to wait", 5, pool_talks.no_room, queue_size=1),
        _pool("nobody may wait", 5, pool_talks.nobody_waits, queue_size=0),
        _pool(
            "one speaks now and then, one waits long",
            6,
            pool_talks.now_and_then,
            idle_seconds=IDLE_S,
        ),
        _pool("an idle client", 6, pool_talks.idle, idle_seconds=IDLE_S),
        _pool("a client that vanishes", 7, pool_talks.vanishes),
        _pool("a client that vanishes while it waits", 7, pool_talks.vanishes_waiting),
        _pool("stop, with silent clients", 8, pool_talks.stops, workers=2, queue_size=1),
    ),
    converse=_ONE_MORE,
)

# ---------------------------------------------------------------- red team

VERDICT_S = 3.0
"""seconds that a probe may take"""


def _judged(name: str, rule: int, server: Function, fault: str = "") -> Probe:
    examine = verdict(
        fault,
        praise="the last client is told something",
        late_rule=6,
        timeout_s=VERDICT_S,
        started=f"starvation_probe(address), where this serves: {name}",
    )
    return Probe(name, rule, examine, judge_server, (server,))


starvation_probe = Exercise(
    "starvation_probe",
    chapter="05",
    kind="red-team",
    title="Red team: who hears nothing?",
    task="Somebody's server has a pool of ten threads, and a connection is a job for one of them; "
    "what a client sends comes back to it. Write `starvation_probe(address)`: it takes all workers "
    "with clients that are silent, then connects once more and sends a line, such as "
    r"`b'hello\n'`. It raises `AssertionError` if nobody tells this last client anything.",
    rules=(
        "A pool has ten workers, and a connected client keeps one of them even if it never says a "
        "word. If the eleventh client then sends a line and hears nothing, `AssertionError` is "
        "raised, and not `TimeoutError`.",
        "`AssertionError` is raised, too, if the server just ends the eleventh client's connection "
        "(`recv` returns `b''`) without having said a word.",
        "Nothing is raised for a correct server. Correct is one that serves everybody at once: "
        "then the line comes back.",
        r"Correct is also one that says why not: `b'waiting\n'`, or `b'full\n'` and then the "
        "end of the connection.",
        "And correct is one that has room again because it sends idle clients away. It says "
        "nothing of waiting, but it sends the line back within half a second (if there are ten "
        "idle clients; more of them take longer).",
        "The probe is done (returns or raises) within three seconds; the faulty server keeps the "
        "connection open.",
    ),
    hints=(
        "How many silent clients does it take until no worker is free? Keep their sockets in a "
        "list: who closes them, or lets the garbage collector do it, frees the workers.",
        "The eleventh sends a line and receives, with a timeout between 0.5 s and 2 s. Three "
        "things may come: bytes (some word; which one does not matter), `b''`, a `TimeoutError`. "
        "Which of them are the fault?",
        "`try: heard = last.recv(100)`, `except TimeoutError: heard = b''`, and then "
        "`assert heard`. Close all sockets at the end: `contextlib.ExitStack`, or a loop in a "
        "`finally`.",
    ),
    probes=(
        _judged("the pool that says nothing", 1, pools.pool_that_says_nothing,
                "who comes last waits, and is not told"),
        _judged("the pool that hangs up", 2, pools.pool_that_hangs_up,
                "who comes last is sent away without a word"),
        _judged("a server that serves everybody", 3, pools.everyone_is_served),
        _judged("a pool that says `waiting`", 4, pools.pool_that_says_waiting),
        _judged("a pool that says `full`", 4, pools.pool_that_says_full),
        _judged("a pool that sends idle clients away", 5,
                pools.pool_that_sends_idle_clients_away),
    ),
)  # fmt: skip

EXERCISES = (submit_or_refuse, pool_server, starvation_probe)
