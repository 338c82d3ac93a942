"""The benchmarks work, from end to end, with next to nothing to measure. Figures are not tested."""

from __future__ import annotations

import socket
import threading
from xml.etree import ElementTree

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import load
from tests.benchmarks.goals import GOALS, verdicts
from tests.benchmarks.load import Crowd, Flow, Lost
from tests.benchmarks.measure import QUICK, measure
from tests.benchmarks.picture import picture
from tests.benchmarks.report import report
from tests.benchmarks.servers import CONTENDERS, NULL
from tests.benchmarks.wires import MARK, Lines


def test_the_quick_form_is_complete_and_loses_nothing() -> None:
    results = measure(QUICK)  # raises Lost where a single delivery is missing
    here = [c.name for c in CONTENDERS if c.name not in results.skipped]
    assert all(not c.missing() for c in CONTENDERS if not c.package)
    for samples in (results.fan_out, results.alone, results.ask, results.bulk):
        assert list(samples) == here
        assert all(flow.deliveries > 0 for flows in samples.values() for flow in flows)
    assert list(results.idle) == [name for name in here if name != NULL.name]
    assert all(tuple(sizes) == QUICK.sizes for sizes in results.size.values())
    found = verdicts(results)
    missing = {goal.peer for goal in GOALS} & set(results.skipped)
    assert [v.goal for v in found] == [goal for goal in GOALS if goal.peer not in missing]
    text = report(results)
    for name in here:
        assert text.count(f"| {name} | ") >= (5 if name != NULL.name else 4)
    title = ElementTree.fromstring(picture(results))[0]
    assert title.text is not None
    assert all(name in title.text for name in here if name != NULL.name)


class Forgetful:
    """A server that answers everybody, but tells a text to the first client alone."""

    def __enter__(self) -> Forgetful:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve, name="netlab-forgetful")
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        first, second = (self._listener.accept()[0] for _ in range(2))
        with first, second:
            for client in (first, second):
                client.settimeout(10)
                client.recv(1_000)
                client.sendall(MARK)
            while data := first.recv(1_000):
                first.sendall(data)


def test_a_lost_delivery_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "PATIENCE_S", 0.3)
    ticks = iter(range(1_000_000))
    with (
        Forgetful() as server,
        Crowd(Lines(), server.address, lambda: next(ticks) / 100) as crowd,
    ):
        crowd.connect(2)
        with pytest.raises(Lost, match="did not come"):
            crowd.fan_out("x" * 100, 0.05, to_room=False, at_once=1)


def test_a_goal_is_judged_by_the_median_of_its_rounds() -> None:
    from tests.benchmarks.goals import Goal, Verdict

    verdict = Verdict(Goal("a", "b", "ping", 1.0), (0.1, 1.2, 1.1))
    assert verdict.ratio == 1.1
    assert verdict.met
    assert Verdict(verdict.goal, (0.9, 2.0, 0.8)).met is False
    assert Verdict(Goal("a", "b", "ping", None), (0.1,)).met is None


def test_rates_count_the_servers_time_and_the_clocks() -> None:
    flow = Flow(messages=1, deliveries=100, seconds=4.0, server_s=0.5, load_s=1.0)
    assert (flow.per_s, flow.per_cpu_s) == (25.0, 200.0)


def test_quick_figures_are_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--quick", "--write"])
    assert "none to keep" in capsys.readouterr().err
