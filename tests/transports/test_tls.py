"""TLS contexts, what went wrong in words, and the socket that threads share."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import which

import pytest

from netlab.transports import tls_socket
from netlab.transports.tls import client_context, explain, server_context
from netlab.transports.tls_socket import TLSSocket
from tests.certificates import HOST, authority, client_side, server_side, write_files

PATIENCE_S = 10.0
DONT_WAIT = socket.MSG_DONTWAIT


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def pair(
    stack: ExitStack,
    server: ssl.SSLContext | None = None,
    client: ssl.SSLContext | None = None,
    host: str = HOST,
) -> tuple[TLSSocket, TLSSocket]:
    """Return both ends of a connection, before the handshake."""
    ends = [stack.enter_context(sock) for sock in socket.socketpair()]
    for sock in ends:
        sock.settimeout(PATIENCE_S)
    return (
        TLSSocket(ends[0], server or server_side(), server_side=True),
        TLSSocket(ends[1], client or client_side(), server_side=False, server_hostname=host),
    )


def shake_hands(server: TLSSocket, client: TLSSocket) -> tuple[str, str]:
    """Let both do the handshake; return what each has to say of it, "" if it is done."""
    said = ["", ""]

    def run(number: int, sock: TLSSocket) -> None:
        try:
            sock.shake_hands_now(PATIENCE_S)
        except ssl.SSLError as error:
            said[number] = explain(error, "the.host")

    other = threading.Thread(target=run, args=(0, server), name="netlab-test-server")
    other.start()
    run(1, client)
    other.join(PATIENCE_S)
    assert not other.is_alive()
    return said[0], said[1]


def talking(stack: ExitStack) -> tuple[TLSSocket, TLSSocket]:
    server, client = pair(stack)
    assert shake_hands(server, client) == ("", "")
    return server, client


# ---------------------------------------------------------------- contexts


def test_contexts_of_files_trust_each_other(tmp_path: Path, stack: ExitStack) -> None:
    cert, key, ca = write_files(tmp_path)
    server, client = server_context(cert, key), client_context(ca)
    for context in (server, client):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert not context.options & ssl.OP_IGNORE_UNEXPECTED_EOF
    assert client.check_hostname
    assert client.verify_mode is ssl.CERT_REQUIRED
    assert len(client.get_ca_certs()) == 1
    assert shake_hands(*pair(stack, server, client)) == ("", "")


def test_mutual(tmp_path: Path, stack: ExitStack) -> None:
    cert, key, ca = write_files(tmp_path)
    server = server_context(cert, key, client_ca=ca)
    assert shake_hands(*pair(stack, server, client_context(ca, cert, key))) == ("", "")
    said, _ = shake_hands(*pair(stack, server, client_context(ca)))
    assert said == "the other side showed no certificate, and one is wanted"


def test_a_file_that_is_not_what_it_should_be(tmp_path: Path) -> None:
    cert, key, ca = write_files(tmp_path)
    (tmp_path / "other").mkdir()
    _, other_key, _ = write_files(tmp_path / "other")
    nowhere = str(tmp_path / "nowhere.pem")
    for make, sentence in (
        (lambda: server_context(nowhere, key), f"cannot read {nowhere}: No such file"),
        (lambda: server_context(cert, nowhere), f"cannot read {nowhere}: No such file"),
        (lambda: server_context(cert, other_key), f"the key in {other_key} is not that of {cert}"),
        (lambda: server_context(cert), "no certificate with its private key"),
        (lambda: server_context(cert, key, key), f"{key}: no certificate in PEM"),
        (lambda: client_context(nowhere), f"cannot read {nowhere}"),
        (lambda: client_context(key), f"{key}: no certificate in PEM"),
        (lambda: client_context(ca, cert, other_key), "is not that of"),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
            make()  # type: ignore[no-untyped-call]
        assert "BEGIN" not in str(caught.value)  # never what is in them


def test_an_encrypted_key_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    if (openssl := which("openssl")) is None:
        pytest.skip("install openssl")
    cert, key, _ = write_files(tmp_path)
    locked = str(tmp_path / "locked.pem")
    subprocess.run(
        [openssl, "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked],
        check=True,
        timeout=PATIENCE_S,
    )
    with pytest.raises(ValueError, match=r"the key in .*locked.pem is encrypted: decrypt it"):
        server_context(cert, locked)


@pytest.mark.parametrize(
    ("server", "client", "host", "sentence"),
    [
        (server_side(), client_side("other"), HOST, "not trusted here .*name its file with --ca"),
        (server_side("chat.example"), client_side(), "x.example", "is not for the.host .*x.exampl"),
        (server_side(expired=True), client_side(), HOST, "has expired: its owner has to renew it"),
    ],
    ids=["unknown authority", "wrong host", "expired"],
)
def test_a_certificate_that_is_not_believed(
    server: ssl.SSLContext, client: ssl.SSLContext, host: str, sentence: str, stack: ExitStack
) -> None:
    there, here = shake_hands(*pair(stack, server, client, host))
    assert re.search(sentence, here), here
    assert there.startswith("the other side refused it (")


def test_an_old_version_is_refused(tmp_path: Path, stack: ExitStack) -> None:
    cert, key, _ = write_files(tmp_path)
    old = client_side.__wrapped__()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    there, here = shake_hands(*pair(stack, server_context(cert, key), old))
    assert there
    assert here


# ---------------------------------------------------------------- the socket


def test_both_ways_at_once_though_nobody_reads_first(stack: ExitStack) -> None:
    """Four threads, two a socket; with a lock held while one waits, all would wait for ever."""
    ends = talking(stack)
    data = bytes(range(256)) * 40_000
    got = [b"", b""]

    def receive(number: int) -> None:
        pieces = bytearray()
        while len(pieces) < len(data):
            pieces += ends[number].recv(65_536)
        got[number] = bytes(pieces)

    threads = [
        threading.Thread(target=work, args=(argument,), name="netlab-test", daemon=True)
        for number, end in enumerate(ends)
        for work, argument in ((end.sendall, data), (receive, number))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S * 3)
        assert not thread.is_alive()
    assert got == [data, data]


def test_what_finds_no_room_goes_out_later_and_once(stack: ExitStack) -> None:
    server, client = talking(stack)
    server.settimeout(None)  # as a server's is: with one, Python would wait in spite of the flag
    data = bytes(range(256)) * 20_000
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < len(data):
            sent += server.send(data[sent:], DONT_WAIT)
    assert 0 < sent < len(data)
    rest = threading.Thread(target=server.sendall, args=(data[sent:],), name="netlab-test-rest")
    rest.start()
    got = bytearray()
    while len(got) < len(data):
        got += client.recv(65_536)
    rest.join(PATIENCE_S)
    assert got == data


def test_close_notify_is_an_end_and_fin_alone_is_none(stack: ExitStack) -> None:
    server, client = talking(stack)
    client.sendall(b"pay 10")
    client.shutdown(socket.SHUT_WR)
    assert (server.recv(100), server.recv(100), server.ended) == (b"pay 10", b"", True)

    server, client = talking(stack)
    client.sendall(b"pay 10")
    client._sock.shutdown(socket.SHUT_WR)
    assert server.recv(100) == b"pay 10"
    with pytest.raises(ConnectionResetError, match="without close_notify: it may be cut"):
        server.recv(100)


def test_looking_ahead_takes_nothing(stack: ExitStack) -> None:
    server, client = talking(stack)
    server.settimeout(None)
    with pytest.raises(BlockingIOError):
        server.recv(100, DONT_WAIT | socket.MSG_PEEK)
    client.sendall(b"hello")
    client.shutdown(socket.SHUT_WR)
    for _ in range(2):
        assert server.recv(65_536, DONT_WAIT | socket.MSG_PEEK) == b"hello"
    assert server.recv(65_536) == b"hello"
    for flags in (DONT_WAIT | socket.MSG_PEEK, 0):
        assert server.recv(65_536, flags) == b""


def test_a_record_that_was_changed_on_its_way_is_not_believed(stack: ExitStack) -> None:
    server, client = talking(stack)
    with client._lock:
        client._object.write(b"pay 10")
        record = bytearray(client._outgoing.read())
    record[-1] ^= 1
    client._sock.sendall(record)
    with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
        server.recv(100)


def test_answers_that_nobody_asked_to_send_are_bounded(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer can ask for a KeyUpdate with each record (RFC 8446, 4.6.3), and read none of them."""
    server, client = talking(stack)
    monkeypatch.setattr(tls_socket, "MAX_REPLY_BYTES", 0)
    with server._lock:
        server._object.write(b"what waits to be sent")
    client.sendall(b"one more")
    with pytest.raises(ConnectionResetError, match="updates its keys for ever"):
        server.recv(100)


def test_the_tests_have_one_authority() -> None:
    assert authority() is authority("ours") is not authority("other")
