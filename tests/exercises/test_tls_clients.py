"""What chapter 09's examiner shows to clients, and what its clients make of it."""

from __future__ import annotations

import os
import ssl
import threading
from typing import Any

import pytest
import trustme

from netlab.exercises import tls_accused
from netlab.exercises.tls_accused import Serve
from netlab.exercises.tls_certificates import ca_pem, trusting_machine
from netlab.exercises.tls_clients import Meeting, try_context

HOST = "chat.example"
Client = Any


def test_the_machine_trusts_one_authority_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with trusting_machine():
        (trusted,) = ssl.create_default_context().get_ca_certs(binary_form=True)
        assert trusted == ssl.PEM_cert_to_DER_cert(ca_pem("the machine's"))
    assert os.environ["SSL_CERT_FILE"] == "/nowhere.pem"
    assert "SSL_CERT_DIR" not in os.environ


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ("of another authority", "unable to get local issuer certificate"),
        ("of an authority that the machine trusts", "unable to get local issuer certificate"),
        ("signed by itself", "self-signed certificate"),
        ("for another host", "Hostname mismatch"),
        ("expired", "certificate has expired"),
        ("not valid yet", "certificate is not yet valid"),
    ],
)
def test_each_certificate_has_one_fault(shown: str, why: str) -> None:
    said: list[tuple[str, Any]] = []

    def report(event: str, value: Any = None) -> None:
        said.append((event, value))

    def context(pem: str) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=pem)

    try_context(context, report, Meeting(shown, believed=True))
    event, problem = said[-1]
    assert event == "answer"
    assert why in problem[1]


@pytest.mark.parametrize(
    ("client", "believed"),
    [
        (tls_accused.careful, {"right"}),
        (tls_accused.eloquent, {"right"}),
        (tls_accused.credulous, {"right", "theirs", "other host"}),
        (tls_accused.yielding, {"right", "theirs", "other host"}),
        (tls_accused.nameless, {"right", "other host"}),
        (tls_accused.timeless, {"right"}),
        (tls_accused.worldly, set()),
    ],
)
def test_whom_clients_believe(client: Client, believed: set[str]) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    leaves = {
        "right": ours.issue_cert(HOST),
        "theirs": theirs.issue_cert(HOST),
        "other host": ours.issue_cert("other.example"),
    }
    found = set()
    for name, leaf in leaves.items():
        with Serve(leaf) as address:
            try:
                client(address, HOST, ours.cert_pem.bytes().decode()).close()
            except OSError:
                continue
            found.add(name)
    assert found == believed


def test_serving_ends_even_while_clients_are_connected() -> None:
    authority = trustme.CA()
    with Serve(authority.issue_cert(HOST)) as address:
        secure = tls_accused.careful(address, HOST, authority.cert_pem.bytes().decode())
    with secure:
        secure.settimeout(2.0)
        assert secure.recv(1) == b""
    assert not [one for one in threading.enumerate() if one.name == "netlab-served"]


def test_what_is_no_certificate_is_told() -> None:
    with pytest.raises(TypeError, match=r"issue_cert\('localhost'\), and not a CA"):
        Serve(trustme.CA())
