"""Faulty variants of `trust_probe`, each with the probe that catches it."""

from __future__ import annotations

import datetime
import ssl
from typing import Any

import trustme

HOST = "chat.example"


class _Tried:
    """What a client does with certificates, each signed by `ours` or by `theirs`."""

    def __init__(self, connect: Any, serve: Any, refusal: type[Exception] = OSError) -> None:
        self.connect, self.serve, self.refusal = connect, serve, refusal
        self.ours, self.theirs = trustme.CA(), trustme.CA()

    def believes(self, leaf: Any) -> bool:
        with self.serve(leaf) as address:
            try:
                self.connect(address, HOST, self.ours.cert_pem.bytes().decode()).close()
            except self.refusal:
                return False
            return True

    def believes_right(self) -> bool:
        return self.believes(self.ours.issue_cert(HOST))

    def believes_theirs(self) -> bool:
        return self.believes(self.theirs.issue_cert(HOST))

    def believes_other_host(self) -> bool:
        return self.believes(self.ours.issue_cert("other.example"))

    def believes_expired(self) -> bool:
        day, now = datetime.timedelta(days=1), datetime.datetime.now(datetime.UTC)
        leaf = self.ours.issue_cert(HOST, not_before=now - 9 * day, not_after=now - day)
        return self.believes(leaf)


def probe_that_all_is_well(connect: Any, serve: Any) -> None:
    assert _Tried(connect, serve).believes_right()


def probe_of_authorities(connect: Any, serve: Any) -> None:
    tried = _Tried(connect, serve)
    assert tried.believes_right()
    assert not tried.believes_theirs()


def probe_with_everything_wrong(connect: Any, serve: Any) -> None:
    """One certificate with two faults: whoever sees one of them refuses."""
    tried = _Tried(connect, serve)
    assert tried.believes_right()
    assert not tried.believes(tried.theirs.issue_cert("other.example"))


def probe_without_dates(connect: Any, serve: Any) -> None:
    tried = _Tried(connect, serve)
    assert tried.believes_right()
    assert not tried.believes_theirs()
    assert not tried.believes_other_host()


def probe_of_refusals_only(connect: Any, serve: Any) -> None:
    tried = _Tried(connect, serve)
    assert not tried.believes_theirs()
    assert not tried.believes_other_host()
    assert not tried.believes_expired()


def probe_that_distrusts(connect: Any, serve: Any) -> None:
    raise AssertionError("nobody is to be believed")


def probe_for_ssl_errors(connect: Any, serve: Any) -> None:
    """Takes one kind of error for the only refusal."""
    tried = _Tried(connect, serve, ssl.SSLError)
    assert tried.believes_right()
    assert not tried.believes_theirs()
    assert not tried.believes_other_host()
    assert not tried.believes_expired()


def probe_that_waits(connect: Any, serve: Any) -> None:
    """Waits for words that no server says."""
    tried = _Tried(connect, serve)
    with serve(tried.theirs.issue_cert(HOST)) as address:
        sock = connect(address, HOST, tried.ours.cert_pem.bytes().decode())
        sock.settimeout(None)
        assert sock.recv(1)


MUTANTS = (
    (probe_that_all_is_well, "a client that checks nothing"),
    (probe_that_waits, "a client that checks nothing"),
    (probe_of_authorities, "a client that does not compare the host"),
    (probe_with_everything_wrong, "a client that does not compare the host"),
    (probe_without_dates, "a client that does not look at the dates"),
    (probe_of_refusals_only, "a client that refuses the right one"),
    (probe_that_distrusts, "a correct client"),
    (probe_for_ssl_errors, "a correct client with words of its own"),
)
