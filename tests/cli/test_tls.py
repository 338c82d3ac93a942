"""TLS on the command line: served and talked to, and each thing that can be wrong in one line."""

from __future__ import annotations

import datetime
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.certificates import HOST, authority, write_files

from .programs import DEADLINE_S, PROMISED_S, Program, netlab, netlab_once

SCHEMES = {"tcp_threads": "tls", "tcp_asyncio": "tls", "websocket": "wss", "socketio": "https"}
PLAIN = {"tls": "tcp", "wss": "ws", "https": "http"}
every = pytest.mark.parametrize("transport", SCHEMES)


class Files(NamedTuple):
    """Names of PEM files."""

    cert: str
    key: str
    ca: str

    @property
    def flags(self) -> tuple[str, ...]:
        return ("--tls-cert", self.cert, "--tls-key", self.key)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(*write_files(tmp_path_factory.mktemp("ours")))


@contextmanager
def serving(transport: str, *flags: str) -> Iterator[tuple[Program, int]]:
    with netlab("serve", transport, *flags) as program:
        listening, _, port = program.line().rpartition(":")
        assert listening == f"listening on {HOST}"
        yield program, int(port)


def chat(scheme: str, port: int, *flags: str) -> tuple[int, list[str], list[str]]:
    ended: tuple[int, list[str], list[str]] = netlab_once(
        "chat", f"{scheme}://{HOST}:{port}", *flags, stdin="hello\n"
    )
    return ended


def complaint(scheme: str, port: int, *flags: str) -> str:
    """Talk in vain; return the last line, which says why."""
    code, out, err = chat(scheme, port, *flags)
    assert (code, out) == (1, [])
    assert "Traceback" not in "".join(err)
    return err[-1].replace(f"{HOST}:{port}", "HOST:PORT")


@every
def test_served_talked_to_and_ended(transport: str, files: Files) -> None:
    with serving(transport, *files.flags) as (program, port):
        code, out, err = chat(SCHEMES[transport], port, "--ca", files.ca)
        assert (code, out[-1], err) == (
            0,
            "Echo: hello",
            ["netlab chat: you ended the conversation"],
        )
        with socket.create_connection((HOST, port), DEADLINE_S):  # it never shakes hands
            before = time.monotonic()
            program.kill(signal.SIGTERM)
            code, _, err = program.end()
            assert time.monotonic() - before < PROMISED_S
    assert (code, err) == (0, ["netlab serve: SIGTERM ended the server; nobody was there"])


@every
def test_an_authority_that_is_not_trusted(transport: str, files: Files, tmp_path: Path) -> None:
    other = Files(*write_files(tmp_path, name="other"))
    with serving(transport, *files.flags) as (_, port):
        for flags in ((), ("--ca", other.ca)):
            assert complaint(SCHEMES[transport], port, *flags) == (
                "netlab chat: no TLS with HOST:PORT: its certificate is of an authority that is "
                "not trusted here (unable to get local issuer certificate): if you know it, name "
                "its file with --ca"
            )


@every
def test_a_certificate_for_another_host(transport: str, files: Files, tmp_path: Path) -> None:
    wrong = Files(*write_files(tmp_path, host="chat.example"))
    with serving(transport, *wrong.flags) as (_, port):
        said = complaint(SCHEMES[transport], port, "--ca", files.ca)
    assert said.startswith(
        f"netlab chat: no TLS with HOST:PORT: its certificate is not for {HOST} ("
    )
    assert said.endswith("): use the name that it is for")


@every
def test_an_expired_certificate(transport: str, files: Files, tmp_path: Path) -> None:
    end = datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC)
    expired = tmp_path / "expired.pem"
    leaf = authority().issue_cert(HOST, not_after=end)
    expired.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    with serving(transport, "--tls-cert", str(expired)) as (_, port):
        assert complaint(SCHEMES[transport], port, "--ca", files.ca) == (
            "netlab chat: no TLS with HOST:PORT: certificate has expired: its owner has to renew "
            "it (or this machine's clock is wrong)"
        )


@every
def test_plaintext_to_a_tls_port(transport: str, files: Files) -> None:
    scheme = SCHEMES[transport]
    with serving(transport, *files.flags) as (_, port):
        said = complaint(PLAIN[scheme], port)
    assert said.rstrip(")").endswith(f"if it speaks TLS, write {scheme}://"), said


@every
def test_tls_to_a_plaintext_port(transport: str, files: Files) -> None:
    scheme = SCHEMES[transport]
    with serving(transport) as (_, port):
        said = complaint(scheme, port, "--ca", files.ca)
    assert "does not speak TLS" in said
    assert said.endswith(f"write {PLAIN[scheme]}://"), said


@every
def test_mutual(transport: str, files: Files) -> None:
    scheme = SCHEMES[transport]
    with serving(transport, *files.flags, "--tls-client-ca", files.ca) as (_, port):
        code, out, _ = chat(scheme, port, "--ca", files.ca, *files.flags)
        assert (code, out[-1]) == (0, "Echo: hello")
        said = complaint(scheme, port, "--ca", files.ca)
    if scheme == "tls":  # the other clients hear of it only as of a server that hangs up
        assert "--tls-cert" in said


def test_udp_refuses_and_says_why(files: Files) -> None:
    code, out, err = netlab_once("serve", "udp", *files.flags)
    assert (code, out) == (2, [])
    (line,) = err
    assert "udp does not take --tls-cert: TLS needs a stream" in line
    assert "DTLS (RFC 9147) and QUIC (RFC 9000)" in line


def test_flags_that_make_no_sense_are_refused(files: Files, tmp_path: Path) -> None:
    other = Files(*write_files(tmp_path))
    nowhere = str(tmp_path / "nowhere.pem")
    tls, tcp = f"tls://{HOST}:9", f"tcp://{HOST}:9"
    for arguments, sentence in (
        (("serve", "tcp_threads", "--tls-cert", nowhere), f"cannot read {nowhere}: No such file"),
        (("serve", "tcp_threads", "--tls-key", files.key), "--tls-key goes with --tls-cert"),
        (("serve", "tcp_threads", "--tls-client-ca", files.ca), "--tls-client-ca goes with"),
        (
            ("serve", "tcp_threads", "--tls-cert", files.cert, "--tls-key", other.key),
            f"the key in {other.key} is not that of {files.cert}",
        ),
        (("chat", tls, "--ca", nowhere), f"cannot read {nowhere}: No such file"),
        (("chat", tls, "--ca", files.key), f"{files.key}: no certificate in PEM"),
        (("chat", tls, "--tls-key", files.key), "--tls-key goes with --tls-cert"),
        (("chat", tcp, "--ca", files.ca), "--ca is for what has TLS: tls://, wss://, https://"),
    ):
        code, out, err = netlab_once(*arguments)
        assert (code, out, len(err)) == (2, [], 1), err
        assert sentence in err[0]
