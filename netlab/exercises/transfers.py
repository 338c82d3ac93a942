"""Messages sent over a simulated network: who sends them is watched, and held to the rules.

The learner's code gets a `SendingEnd`. `Watch` looks at each datagram when it is sent, and whenever
the simulated clock has gone on, so that the first breach of a rule ends the trial, with its time.

All delays are multiples of 1/16 s: they are exact in binary, and `sent_s + 0.5` is a time which the
clock can show.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from netlab.exercises.calls import Function, Report, result
from netlab.exercises.simulated import tell_wire
from netlab.exercises.transfer_rules import Breach, Watch
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, count, in_short
from netlab.lab.recording import Direction
from netlab.lab.simnet import Endpoint, SimulatedNetwork

ONE_WAY_MS = 125.0
"""how long a datagram is under way"""
HOLD_MS = 250.0
"""how long one waits for that which is to overtake it"""
BUDGET: dict[str, Any] = {"max_datagrams": 2_000, "max_time_s": 600.0, "max_steps": 200_000}
TOLD_FIRST, TOLD_LAST = 12, 20
"""steps of a long story that are told"""
LANDING_S = 0.25
"""simulated seconds in which what is under way at the end still arrives, for the diagram"""

Faults = Mapping[str, Any]


class Story:
    """What happens, in sentences; which datagrams are lost shows only later."""

    def __init__(self, net: SimulatedNetwork) -> None:
        self._net = net
        self._steps: list[tuple[str, tuple[Direction, int] | None]] = []

    def add(self, text: str, datagram: tuple[Direction, int] | None = None) -> None:
        """Add a sentence; `datagram`: direction and number, if one was sent."""
        self._steps.append((f"{self._net.now_s:g} s: {text}", datagram))

    def tell(self, report: Report) -> None:
        """Report the steps, those in the middle of a long story left out."""
        lost = {(entry.direction, entry.place) for entry in self._net.log if "lost" in entry.text}
        texts = []
        for text, datagram in self._steps:
            gone = datagram and (datagram[0], f"datagram {datagram[1]:,}") in lost
            texts.append(f"{text} (lost)" if gone else text)
        if len(texts) > TOLD_FIRST + TOLD_LAST + 1:
            left_out = count(len(texts) - TOLD_FIRST - TOLD_LAST, "step")
            texts[TOLD_FIRST:-TOLD_LAST] = [f"… {left_out} that are not told …"]
        for text in texts:
            report("step", text)


class SendingEnd:
    """An endpoint of a `SimulatedNetwork`, as the learner's code sees it."""

    def __init__(self, endpoint: Endpoint, watch: Watch, story: Story) -> None:
        self._endpoint = endpoint
        self._watch = watch
        self._story = story

    @property
    def now_s(self) -> float:
        """What the simulated clock shows, in seconds."""
        return self._endpoint.now_s

    def send(self, data: bytes) -> int:
        """Send a datagram; return its number in this direction, from 1."""
        number = self._endpoint.send(data)
        self._story.add(f"your code sends {in_short(bytes(data))}", (Direction.TO_SERVER, number))
        self._watch.sends(bytes(data), self.now_s)
        return number

    def receive(self, timeout_s: float) -> bytes:
        """Return the next datagram. Raises: TimeoutError: none came within `timeout_s`."""
        try:
            data = self._endpoint.receive(timeout_s)
        finally:
            self._watch.clock(self.now_s)
        self._story.add(f"your code receives {in_short(data)}")
        self._watch.receives(data, self.now_s)
        return data

    def __repr__(self) -> str:
        return "<your end of the network>"


def transfer(
    function: Function,
    report: Report,
    messages: Sequence[bytes],
    window: int | None,
    there: Faults,
    back: Faults,
    chatter: tuple[float, Sequence[bytes]],
) -> None:
    """Let the code send messages to somebody who acknowledges each datagram at once.

    Args:
        function: the code, called with its endpoint, the messages, and the window if there is one.
        report: told the steps; as `answer` (what it did: "returned" or "TimeoutError", how many
            datagrams it sent, simulated seconds), or a `Breach`.
        messages: what is to be sent.
        window: how many may be under way; None: one, and the code is not told.
        there: faults of what the code sends.
        back: faults of the acknowledgements.
        chatter: seconds, and datagrams: every so many seconds the other end sends the next of
            them, and at the end begins anew.
    """
    net = SimulatedNetwork(seed=7, latency_ms=ONE_WAY_MS, hold_ms=HOLD_MS, **BUDGET)
    net.set(direction="to_server", **there)
    net.set(direction="to_client", **back)
    story, watch = Story(net), Watch(messages, window or 1)

    def answer(data: bytes) -> None:
        number = net.server.send(data[:4])
        story.add(f"the other end acknowledges {in_short(data)}", (Direction.TO_CLIENT, number))

    net.server.on_receive = answer
    _chat(net, story, *chatter)
    arguments = (list(messages),) if window is None else (list(messages), window)
    end = SendingEnd(net.client, watch, story)
    answered: Any = None
    try:
        answered = _carry_out(lambda: result(function, end, *arguments), watch, net)
    finally:
        _land(net)
        story.tell(report)
        tell_wire(net, report)
    report("answer", answered)


def _carry_out(work: Callable[[], Any], watch: Watch, net: SimulatedNetwork) -> Any:
    try:
        try:
            value = work()
        except TimeoutError:
            watch.gives_up(net.now_s)
            ended = "TimeoutError"
        else:
            watch.returns(value, net.now_s)
            ended = "returned"
    except Breach as breach:
        return breach.args
    if watch.breach:  # the code has swallowed it
        return watch.breach.args
    return ended, net.sent[Direction.TO_SERVER], net.now_s


def _chat(net: SimulatedNetwork, story: Story, every_s: float, datagrams: Sequence[bytes]) -> None:
    """Have the other end send what nobody asked for, again and again."""
    if not datagrams:
        return

    def say(turn: int) -> None:
        data = datagrams[turn % len(datagrams)]
        number = net.server.send(data)
        story.add(f"the other end sends {in_short(data)}", (Direction.TO_CLIENT, number))
        net.call_later(every_s, lambda: say(turn + 1))

    net.call_later(every_s, lambda: say(0))


def _land(net: SimulatedNetwork) -> None:
    net.server.on_receive = None
    with contextlib.suppress(Exception):
        net.advance(LANDING_S)


def sends_well(
    *, most_sent: int | None = None, within_s: float | None = None, gives_up: bool = False
) -> Callable[[Trial], None]:
    """Return what examines a `transfer`.

    Args:
        most_sent: datagrams that it may send in all.
        within_s: simulated seconds that it may take.
        gives_up: is TimeoutError what it should end with?
    """

    def examine(trial: Trial) -> None:
        answer = trial.wait("answer")
        if len(answer) == 4:
            raise Broken(*answer[1:])
        ended, sent, time_s = answer
        wanted = "TimeoutError" if gives_up else "returned"
        if ended != wanted:
            raise Broken(
                "it to raise TimeoutError" if gives_up else "it to return",
                f"it {ended}" if gives_up else f"{ended} at {time_s:g} s",
            )
        if most_sent is not None and sent > most_sent:
            raise Broken(f"at most {count(most_sent, 'datagram')}", f"{sent:,}")
        if within_s is not None and time_s > within_s:
            raise Broken(f"all to be done within {within_s:g} simulated seconds", f"{time_s:g} s")

    return examine
