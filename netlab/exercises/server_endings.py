"""Exercises of chapter 03 on servers: one that stops when it is told, and whom to believe."""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises import ending_servers, stop_probes
from netlab.exercises.calls import Function
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.stopping import judge_stops, serve_by_plan
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict

# ---------------------------------------------------------------- core: a server that stops


def _planned(
    name: str,
    rule: int,
    examine: Callable[[Trial], None],
    *plan: str,
    hold: str = "",
) -> Probe:
    return Probe(name, rule, examine, serve_by_plan, (("start", *(plan or ("stop",))), hold))


_SILENT = _planned("stop, with a silent client", 3, stop_probes.one_is_silent)

stoppable_server = Exercise(
    "stoppable_server",
    code_name="StoppableServer",
    chapter="03",
    kind="core",
    title="A server that stops",
    task="Write the class `StoppableServer`, an echo server with a thread of its own: "
    "`server = StoppableServer()`, `server.start(address)`, and at the end `server.stop()`. "
    "Serving is the small part. The point is that it *has* stopped when `stop()` returns.",
    rules=(
        "`start(address)` listens at `address`, a host and a port such as `('127.0.0.1', 8888)`, "
        "and returns: from then on clients can connect, and a thread of yours serves them. (In one "
        "probe the examiner holds each of your threads for 0.3 seconds at its first line. Clients "
        "can connect all the same.)",
        "What a client sends comes back to it unchanged and at once. When it has finished sending "
        "(`recv` returns `b''`), its connection is closed; if it vanishes (RST: `recv` or "
        "`sendall` raises `ConnectionError`), the server serves on. Clients may be served one "
        "after the other: who comes meanwhile waits. (The examiner's clients read what comes "
        "back, so `sendall` does not have to wait.)",
        "`stop()` returns within 2 seconds, whatever your thread waits for: nobody may be there, "
        "or somebody who is silent.",
        "When `stop()` returns, none of your threads runs any more, none of your sockets is open, "
        "and connecting is refused. If a thread takes a while to end, `stop()` waits for it. (In "
        "two probes the examiner makes it take a while: once `stop` has been called, it holds "
        "each of your threads for 0.3 seconds, at the next line of your code.)",
        "Clients are told. Whoever is being served receives FIN, and not RST; whoever still waits "
        "to be served, FIN or RST. (Clients send nothing while `stop()` is at work, and what "
        "they sent before has been answered.)",
        "After `stop()`, `start` with the same address works again, at once and in the same "
        "object, although a conversation with the last client is in `TIME_WAIT` there.",
        "`stop()` may be called again when the server has stopped; nothing happens. And two "
        "threads may call it at the same time: it returns to *both* when the server has stopped. "
        "(It is never called before `start`.)",
    ),
    hints=(
        "Your thread waits in two places: for the next client, and for the next bytes of the one "
        "it has. In both it has to wait for two things at once, as `Stoppable` in this chapter "
        "does in the first.",
        "Write a method `wait_for(sock)`: a selector with `sock` and `self.woken`, which returns "
        "`False` if `woken` is ready. Then `while self.wait_for(self.listener):` around `accept`, "
        "and `while self.wait_for(client):` around `recv`. When `woken` has become readable, it "
        "stays so: both loops end.",
        "`stop` closes `self.waker` and joins the thread, and nothing else: both may be done "
        "twice, and by two threads. All other sockets the thread closes itself, at its end: "
        "`with self.listener, self.woken:` around the outer loop, `with client:` around the inner "
        "one.",
    ),
    probes=(
        _planned("one can connect", 1, stop_probes.one_can_connect, hold="start"),
        _planned("two clients, one after the other", 2, stop_probes.echoes, "rest"),
        _planned("stop, when nobody has come", 3, stop_probes.nobody_came),
        _planned("stop, when all have left", 3, stop_probes.all_have_left, "rest", "rest", "stop"),
        _SILENT,
        _planned("stop, with a client who never speaks", 5, stop_probes.one_never_speaks),
        _planned("stop, with clients who wait", 5, stop_probes.one_waits),
        _planned("a thread that takes its time", 4, stop_probes.takes_its_time, hold="stop"),
        _planned("start again", 6, stop_probes.again, "stop", "start", "stop"),
        _planned("stop it again", 7, stop_probes.twice, "stop", "stop"),
        _planned("two threads stop it", 7, stop_probes.by_two_threads, "stop twice", hold="stop"),
    ),
    converse=_SILENT,
)

# ---------------------------------------------------------------- red team

VERDICT_S = 4.0
"""seconds that a probe of the learner's may take"""


def _judged(name: str, rule: int, make: Function, fault: str = "") -> Probe:
    examine = verdict(
        fault,
        praise="this server has stopped",
        late_rule=7,
        timeout_s=VERDICT_S,
        started=f"stop_probe(make_server), where make_server() starts: {name}",
    )
    return Probe(name, rule, examine, judge_stops, (make,))


stop_probe = Exercise(
    "stop_probe",
    chapter="03",
    kind="red-team",
    title="Red team: has it stopped?",
    task="Four echo servers say that they stop, and each of them leaves something behind. Write "
    "`stop_probe(make_server)`: it makes a server, stops it, and raises `AssertionError` if that "
    "one has not stopped.",
    rules=(
        "`server = make_server()` starts a new server, as often as you like. `server.address` is "
        "where it listens, a host and a port; it echoes what its clients send. `server.stop()` "
        "returns within a second; whether it has stopped then is the question.",
        "`AssertionError` is raised for the server that goes on listening after `stop()`. There "
        "are two: one serves one more client, the other accepts it and says nothing.",
        "It is raised, and not `TimeoutError`, for the server that does not tell those who are "
        "connected when it stops: they wait for ever.",
        "It is raised for the server that leaves a thread running. (Threads that ran before "
        "`make_server()` was called are not the server's; there is at least one such besides "
        "yours.)",
        "Nothing is raised for a correct server: after `stop()` none of its threads runs, "
        "connecting is refused, and its clients have received FIN.",
        "Nothing is raised for a correct server, either, that says something to its clients before "
        "FIN, and takes up to half a second for it.",
        "It is done (returns or raises) within 4 seconds.",
    ),
    hints=(
        "Three questions, one for each of the rules 2 to 4. For one of them you need a client that "
        "has connected before `stop()`; for one you have to look round before `make_server()`.",
        "`threading.enumerate()` lists the threads that run; `set(…)` of it before and after can "
        "be compared. A client with a timeout, `create_connection(address, timeout=1)`, which "
        "reads until `b''`: a `TimeoutError` means that nobody has told it.",
        "After `stop()`: `while client.recv(100): pass` in a `try`, with `except TimeoutError: "
        "raise AssertionError(…) from None`; `assert set(threading.enumerate()) <= before`; and "
        "`create_connection` once more, where `ConnectionRefusedError` is what you hope for, and "
        "in the `else:` of that `try` you raise.",
    ),
    probes=(
        _judged("the server that serves one more", 2, ending_servers.ServesOneMore,
                "this server serves one more client"),
        _judged("the server that keeps its port", 2, ending_servers.KeepsItsPort,
                "this server still listens"),
        _judged("the server that tells nobody", 3, ending_servers.TellsNobody,
                "a client of this server waits for ever"),
        _judged("the server that leaves a thread", 4, ending_servers.LeavesAThread,
                "this server leaves a thread"),
        _judged("a correct server", 5, ending_servers.EchoServer),
        _judged("a correct server that says goodbye", 6, ending_servers.UnhurriedServer),
    ),
)  # fmt: skip

EXERCISES = (stoppable_server, stop_probe)
