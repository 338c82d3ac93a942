"""`netlab doctor`: well here, and clear about each thing that may be missing elsewhere."""

from __future__ import annotations

import re
import socket
import sys
import threading
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import pytest

from netlab import diagnosis_checks as checks
from netlab import diagnosis_network as network
from netlab.diagnosis import FAILED, INSTALL, OK, WARNING, Finding, Report, doctor, examine

from .programs import netlab_once


def test_all_is_well_here() -> None:
    code, out, err = netlab_once("doctor", JUPYTERHUB="", no_proxy="*")
    assert (code, err) == (0, []), out
    assert not any(line.startswith(FAILED) for line in out)


def test_the_passing_lines_name_no_version_path_port_or_time() -> None:
    report = doctor()
    passing = [finding for finding in report.findings if finding.outcome == OK]
    assert len(passing) >= 6
    for finding in passing:
        assert not re.search(r"\d\.\d|/|\d{2}", finding.text), finding.text
        assert finding.remedy == ""


def test_verbose_adds_versions_and_paths() -> None:
    code, out, _ = netlab_once("doctor", "--verbose", no_proxy="*")
    text = "\n".join(out)
    assert code == 0
    assert sys.version.split()[0] in text
    assert f"ipykernel {metadata.version('ipykernel')}" in text


def test_a_report_is_a_table_in_a_notebook() -> None:
    report = Report((Finding("a<b", FAILED, "<script>", "do & do"), Finding("b", OK, "fine")))
    html = report._repr_html_()
    assert "<script>" not in html
    assert "do &amp; do" in html
    assert not report.ok
    assert "1 of 2 checks failed" in html
    assert repr(report) == str(report) == report.text()


def test_a_failure_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    code, out, err = netlab_once("doctor", NETLAB_HOME=str(tmp_path / "file"))
    assert (code, err) == (1, [])
    failed = next(n for n, line in enumerate(out) if line.startswith(FAILED))
    assert "cannot be stored" in out[failed]
    assert "set NETLAB_HOME to a folder in which you may write" in out[failed + 1]
    assert out[-1].startswith("1 of 8 checks failed")


def test_a_warning_is_no_failure() -> None:
    report = Report((Finding("a", WARNING, "hm", "try"), Finding("b", OK, "fine")))
    assert report.ok
    assert report.conclusion.startswith("all that is needed is here")


# ---------------------------------------------------------------- each failure


def failed(finding: Finding, says: str, advises: str) -> None:
    """Check that it failed, says what it found, and what to do."""
    assert finding.outcome == FAILED
    assert says in finding.text
    assert advises in finding.remedy


def test_an_old_python() -> None:
    failed(checks.check_python((3, 10, 4)), "this is 3.10, netlab needs 3.11", "newer Python")
    assert checks.check_python((3, 11, 0)).outcome == OK
    assert checks.check_python((4, 0, 0)).outcome == OK


def missing(name: str) -> NoReturn:
    raise metadata.PackageNotFoundError(name)


def test_packages_that_are_missing_or_do_not_fit() -> None:
    wanted = ["msgspec>=0.19,<1", "rich>=13 ; extra == 'lab'", "nbval ; extra == 'test'"]
    versions = {"msgspec": "0.1", "rich": "14.0"}
    failed(checks.check_packages(wanted, versions.__getitem__), "msgspec is 0.1, wanted", INSTALL)
    finding = checks.check_packages(wanted, missing)
    failed(finding, "msgspec is not installed; rich is not installed", INSTALL)
    assert "nbval" not in finding.text


def test_what_an_extra_of_a_package_needs_is_looked_at_too() -> None:
    wanted = ["python-socketio[asyncio-client]>=5"]
    details = " ".join(checks.check_packages(wanted).details)
    assert "aiohttp" in details


def test_netlab_itself_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", missing)
    failed(checks.check_packages(), "netlab itself is not installed", INSTALL)


def test_the_extra_lab_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    failed(checks.check_packages(), "the extra `lab` is not installed", INSTALL)


def test_no_ipv4_loopback() -> None:
    finding = network.check_loopback(socket.AF_INET, "192.0.2.1", needed=True)
    failed(finding, "192.0.2.1 cannot be used", "firewall")


def test_no_ipv6_loopback_is_a_warning() -> None:
    finding = network.check_loopback(socket.AF_INET6, "2001:db8::1", needed=False)
    assert finding.outcome == WARNING
    assert "goes on without it" in finding.remedy


def test_localhost_unknown_or_elsewhere() -> None:
    def unknown(*_: Any, **__: Any) -> NoReturn:
        raise socket.gaierror(-2, "Name or service not known")

    def elsewhere(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.216.34", 80))]

    failed(network.check_localhost(unknown), "Name or service not known", "/etc/hosts")
    failed(network.check_localhost(elsewhere), "93.184.216.34", "127.0.0.1 localhost")


def test_no_ipykernel_or_an_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", missing)
    failed(checks.check_kernel(), "ipykernel is not installed", INSTALL)
    monkeypatch.setattr(metadata, "version", lambda name: "7.0.1")
    failed(checks.check_kernel(), "ipykernel is 7.0.1, 7.1 or newer is needed", INSTALL)


def test_a_kernel_of_another_python(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho /somewhere/else\n")
    other.chmod(0o755)
    finding = checks.check_kernel([str(other), "-m", "ipykernel_launcher"])
    failed(finding, "runs in another Python", "ipykernel install --sys-prefix")
    assert "that one's environment: /somewhere/else" in finding.details
    gone = checks.check_kernel([str(tmp_path / "gone")])
    failed(gone, "runs in another Python", "ipykernel install")
    assert checks.check_kernel([sys.executable]).outcome == OK


def test_no_kernel_named_python3(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    def none(self: object, name: str) -> NoReturn:
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", none)
    failed(checks.check_kernel(), "no kernel named python3", "ipykernel install")


def test_a_page_that_cannot_be_fetched() -> None:
    failed(network.check_browser({}, "192.0.2.1"), "cannot be fetched", "firewall")


def test_a_hub_without_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}
    monkeypatch.setenv("no_proxy", "*")
    assert network.check_browser(hub).outcome == OK
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    failed(network.check_browser(hub), "jupyter-server-proxy", INSTALL)


def test_a_proxy_between_us_and_ourselves_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    finding = network.check_browser({})
    assert finding.outcome == WARNING
    assert "NO_PROXY=localhost,127.0.0.1,::1" in finding.remedy
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert network.check_browser({}).outcome == OK


def test_a_home_that_does_not_exist_yet_is_fine_and_is_not_made(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b"
    assert checks.check_home(home).outcome == OK
    assert not home.parent.exists()


# ---------------------------------------------------------------- the checks themselves


def test_a_check_that_hangs_has_a_deadline() -> None:
    let_go = threading.Event()

    def hangs() -> Finding:
        let_go.wait(10)
        return Finding("slow", OK, "at last")

    try:
        report = examine((("slow", hangs),), deadline_s=0.01)
        failed(report.findings[0], "no result within 0.01 s", "name server")
    finally:
        let_go.set()


def test_a_check_that_raises_is_a_failure_and_no_traceback() -> None:
    def raises() -> Finding:
        raise ZeroDivisionError("oops")

    report = examine((("odd", raises), ("home", partial(checks.check_home, Path.cwd()))))
    failed(report.findings[0], "ZeroDivisionError: oops", "report this")
    assert len(report.findings) == 2
