"""A link to a server's page: here, and on a hub, where only one port is open."""

from __future__ import annotations

import pytest

from netlab.lab import panels


def test_here_it_names_host_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    assert panels.page(("127.0.0.1", 8765)).url == "http://127.0.0.1:8765/"
    assert panels.page(("::1", 8765)).url == "http://[::1]:8765/"


def test_on_a_hub_it_leads_through_jupyterlabs_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")
    link = panels.page(("127.0.0.1", 8765))
    assert link.url == "/user/ann/proxy/8765/"
    assert 'href="/user/ann/proxy/8765/"' in link.link.value


def test_its_text_repeats_and_its_label_is_escaped() -> None:
    first, second = (panels.page(("127.0.0.1", port), "<b>Come in</b>") for port in (1, 2))
    assert repr(first) == repr(second) == "<b>Come in</b> (a link in JupyterLab: run this cell)"
    assert "&lt;b&gt;Come in" in first.link.value
