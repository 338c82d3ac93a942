"""The soak and the idle crowds in a small form: what is judged by the clock is only reported."""

from __future__ import annotations

import asyncio
from xml.etree import ElementTree

import pytest

from tests.soak import __main__ as command
from tests.soak.idle import TRANSPORTS, be_idle
from tests.soak.nuisances import ATTACKS
from tests.soak.report import picture, report
from tests.soak.server import WIRES, Reading, Server
from tests.soak.soak import GROWTH_BYTES, Log, Plan, soak
from tests.soak.talk import Answering

SHORT = Plan(seconds=20.0)


def test_a_short_soak_of_all_servers() -> None:
    logs = soak(SHORT)
    assert [log.transport for log in logs] == list(WIRES)
    for log in logs:
        assert log.faults == [], log.transport
        assert log.back(), (log.transport, log.start, log.end)
        assert log.flat(), (log.transport, log.growth_bytes())
        assert all(log.pings_s.get(phase) for phase, _ in SHORT.phases()), log.transport
        assert log.made["stall"] > 0
        assert sum(log.made.values()) > 10
    assert {name for log in logs for name in log.made} == {*ATTACKS, "stall"}
    text = report(SHORT, 20.0, logs, [])
    assert all(text.count(f"| {name} |") == 2 for name in WIRES)
    title = ElementTree.fromstring(picture(logs))[0].text
    assert title is not None
    assert all(name in title for name in WIRES)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_500_idle_clients(transport: str) -> None:
    idle = be_idle(transport, 500)  # raises Lost where somebody is not served
    assert idle.clients == 500
    assert idle.most_descriptors >= idle.start_descriptors + 500
    assert idle.back


# ---------------------------------------------------------------- the checks can fail


def _log(memory: list[int], end: tuple[int, int] = (9, 3)) -> Log:
    log = Log("tcp", Reading(0.0, memory[0], 9, 3), end=Reading(0.0, 0, *end))
    log.readings = [Reading(float(n), one, 9, 3) for n, one in enumerate(memory)]
    return log


def test_memory_that_grows_is_not_flat() -> None:
    step = GROWTH_BYTES // 10
    assert not _log([30_000_000 + step * n for n in range(100)]).flat()
    assert _log([30_000_000 + min(step * n, 9_000_000) for n in range(100)]).flat()  # warm-up
    peak = [30_000_000] * 100
    peak[90] = 90_000_000
    assert _log(peak).flat()


def test_what_is_left_open_is_not_back() -> None:
    assert _log([1]).back()
    assert not _log([1], end=(10, 3)).back()
    assert not _log([1], end=(9, 4)).back()


def test_a_server_that_is_gone_is_a_fault_and_so_is_its_traceback() -> None:
    with Server("tcp_threads") as server:
        server._log.write(b"Traceback (most recent call last):\n  at the root\n")
        server._log.flush()
        assert server.faults() == ["Traceback (most recent call last):", "  at the root"]
        server._log.truncate(0)
        server.kill()
        assert not server.running()


def test_honest_clients_notice_that_a_server_ends() -> None:
    from tests.soak.talk import be_honest

    waits: list[float] = []

    async def main(server: Server) -> None:
        def tell(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                server.kill()

        await be_honest(server, "127.0.3.1", tell)

    with Server("tcp_asyncio") as server, pytest.raises((EOFError, OSError)):
        asyncio.run(main(server))
    assert len(waits) >= 2


def test_pings_of_websocket_and_engineio_are_answered_though_cut_in_pieces() -> None:
    parser = Answering(engine_io=True)
    data = b"\x81\x7e\x00\x80" + b"9" * 128 + b"\x89\x02ab" + b"\x81\x012"
    answers = b"".join(parser.feed(bytes([one])) for one in data)
    assert answers == b"\x8a\x82\0\0\0\0ab" + b"\x81\x81\0\0\0\x003"
    assert Answering(engine_io=False).feed(b"\x81\x012") == b""


def test_short_soaks_are_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--minutes", "1", "--write"])
    assert "none to keep" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["--minutes", "never"])
    assert "0.1 to 1440" in capsys.readouterr().err
