"""Taps before servers of other kinds: UDP, UNIX sockets, IPv6, and TLS read with our own keys."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from netlab.lab import Tap
from netlab.lab.tls_stream import TLSKeys

UP, DOWN = "client→server", "server→client"
SLICE_BYTES = 200_000

# wrap_socket() of a connection that was reset meanwhile raises, and leaves its socket unclosed.
resets_before_tls = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def events(tap: Tap) -> list[tuple[str, str, bytes]]:
    return [(chunk.direction, chunk.kind, chunk.data) for chunk in tap.recording]


def joined(tap: Tap, direction: str) -> bytes:
    return b"".join(c.data for c in tap.recording if c.direction == direction and c.kind == "data")


@contextlib.contextmanager
def served(
    listener: socket.socket, answer: Callable[[socket.socket], None], clients: int = 1
) -> Iterator[socket.socket]:
    """Answer so many clients, one after the other, in a thread."""

    def run() -> None:
        for _ in range(clients):
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                answer(connection)

    listener.settimeout(5)
    thread = threading.Thread(target=run, name="netlab-served")
    with listener:
        thread.start()
        yield listener
        thread.join()


def echo(connection: socket.socket) -> None:
    connection.settimeout(5)
    while data := connection.recv(65_536):
        connection.sendall(data)
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()


def read_all(sock: socket.socket) -> bytes:
    data = bytearray()
    while piece := sock.recv(65_536):
        data += piece
    return bytes(data)


# ------------------------------------------------------------ UDP


def test_udp_keeps_the_boundaries_and_who_is_who() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        with (
            Tap(server.getsockname(), transport="udp") as tap,
            socket.socket(type=socket.SOCK_DGRAM) as ann,
            socket.socket(type=socket.SOCK_DGRAM) as ben,
        ):
            for name, client, words in (("Ann", ann, b"a"), ("Ben", ben, b"bb")):
                client.connect(tap.address)
                client.settimeout(5)
                tap.name(name, client)
                for data in (words, b"", words * 30_000):
                    client.send(data)
                    came, address = server.recvfrom(65_536)
                    server.sendto(came, address)
                    assert client.recv(65_536) == data
            tap.settled()
            picture = str(tap.ladder())
        carried = [
            (c.connection, c.direction, len(c.data)) for c in tap.recording if c.kind == "data"
        ]
    assert carried == [
        (name, direction, size)
        for name, width in (("Ann", 1), ("Ben", 2))
        for size in (width, 0, width * 30_000)
        for direction in (UP, DOWN)
    ]
    assert "Ann → server" in picture
    assert "Ben → server" in picture


def test_udp_says_that_nobody_listens() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()
    with Tap(address, transport="udp") as tap, socket.socket(type=socket.SOCK_DGRAM) as client:
        client.connect(tap.address)
        client.send(b"hello")
        tap.settled()
    assert [kind for _, kind, _ in events(tap)] == ["data", "error"]
    assert b"ConnectionRefusedError" in events(tap)[1][2]


@pytest.mark.parametrize("wrong", [{"transport": "sctp"}, {"transport": "udp", "tls": object()}])
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"udp"):
        Tap(("127.0.0.1", 9), **wrong)  # type: ignore[arg-type]


# ------------------------------------------------------------ UNIX, IPv6


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no UNIX sockets here")
def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "chat.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    with served(listener, echo), Tap(path, names=["Ann"]) as tap:
        place = Path(tap.address)
        assert place.is_socket()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(tap.address)
            client.sendall(b"hello\n")
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"hello\n"
        tap.settled()
    assert not place.parent.exists()
    up = [(kind, data) for direction, kind, data in events(tap) if direction == UP]
    down = [(kind, data) for direction, kind, data in events(tap) if direction == DOWN]
    assert up == [("open", b""), ("data", b"hello\n"), ("fin", b"")]
    assert down == [("data", b"hello\n"), ("fin", b"")]


def test_ipv6() -> None:
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    with served(listener, echo), Tap(listener.getsockname(), listen_host="::1") as tap:
        with socket.create_connection(tap.address, timeout=5) as client:
            tap.name("Ann", client)
            client.sendall(b"hello\n")
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"hello\n"
        tap.settled()
    assert joined(tap, UP) == joined(tap, DOWN) == b"hello\n"
    assert tap.recording.connections == ["Ann"]


# ------------------------------------------------------------ TLS


class Authority:
    """One that both sides trust, a certificate of it for localhost, and contexts."""

    def __init__(self) -> None:
        self.ca = trustme.CA(key_type=trustme.KeyType.RSA)
        self.certificate = self.ca.issue_cert("localhost")

    def for_server(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.certificate.configure_cert(context)
        return context

    def for_client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def stranger() -> Authority:
    return Authority()


def secured(authority: Authority) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.settimeout(5)
        # The handshake within `with`: wrap_socket leaves the socket to nobody where it fails.
        with authority.for_server().wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        ) as inside:
            inside.do_handshake()
            echo(inside)

    return answer


def keys(authority: Authority, trusts: Authority | None = None) -> TLSKeys:
    return TLSKeys(
        server_context=authority.for_server(),
        client_context=(trusts or authority).for_client(),
        server_hostname="localhost",
    )


def ask(address: object, authority: Authority, words: bytes) -> bytes:
    """Send words over TLS, say close_notify, and return all that comes back."""
    got = bytearray()
    with socket.create_connection(address, timeout=5) as raw:  # type: ignore[arg-type]
        context = authority.for_client()
        with context.wrap_socket(raw, server_hostname="localhost") as client:
            # One thread: two may not use one SSLSocket at a time.
            for start in range(0, len(words), SLICE_BYTES):
                client.sendall(words[start : start + SLICE_BYTES])
                while len(got) < min(start + SLICE_BYTES, len(words)):
                    piece = client.recv(65_536)
                    assert piece
                    got += piece
    return bytes(got)


@pytest.mark.parametrize("size", [6, 3_000_000])
def test_tls_without_keys_is_ciphertext_and_with_keys_is_text(
    authority: Authority, size: int
) -> None:
    words = (b"secret" * (size // 6 + 1))[:size]
    listener = socket.create_server(("127.0.0.1", 0))
    with served(listener, secured(authority), clients=2):
        with Tap(listener.getsockname()) as outside:
            assert ask(outside.address, authority, words) == words
        with Tap(listener.getsockname(), tls=keys(authority)) as inside:
            assert ask(inside.address, authority, words) == words
            inside.settled()
    assert b"secret" not in joined(outside, UP) + joined(outside, DOWN)
    assert joined(inside, UP) == joined(inside, DOWN) == words
    kinds = [kind for _, kind, _ in events(inside)]
    assert kinds[0] == "open"
    assert "fin" in kinds
    assert "error" not in kinds


def test_a_client_that_does_not_trust_us_is_recorded(
    authority: Authority, stranger: Authority
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with (
        served(listener, secured(authority)),
        Tap(listener.getsockname(), tls=keys(authority)) as tap,
    ):
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(tap.address, stranger, b"hello")
        tap.settled()
    errors = [(direction, data) for direction, kind, data in events(tap) if kind == "error"]
    assert len(errors) == 1
    assert errors[0][0] == UP
    assert b"UNKNOWN_CA" in errors[0][1] or b"unknown ca" in errors[0][1]
    assert b"_ssl.c" not in errors[0][1]


@resets_before_tls
def test_a_server_that_we_do_not_trust_is_recorded(
    authority: Authority, stranger: Authority
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with (
        served(listener, secured(authority)),
        Tap(listener.getsockname(), tls=keys(authority, trusts=stranger)) as tap,
    ):
        with pytest.raises(OSError, match=r"reset|closed|EOF|eof"):
            ask(tap.address, authority, b"hello")
        tap.settled()
    errors = [(direction, data) for direction, kind, data in events(tap) if kind == "error"]
    assert [direction for direction, _ in errors] == [DOWN]
    assert b"CERTIFICATE_VERIFY_FAILED" in errors[0][1]


@resets_before_tls
def test_whoever_speaks_no_tls_is_recorded(authority: Authority) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with (
        served(listener, secured(authority)),
        Tap(listener.getsockname(), tls=keys(authority)) as tap,
    ):
        with socket.create_connection(tap.address, timeout=5) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                read_all(client)
        tap.settled()
    errors = [data for _, kind, data in events(tap) if kind == "error"]
    assert len(errors) == 1
    assert b"HTTP_REQUEST" in errors[0]


def test_it_stops_in_the_middle_of_a_handshake(authority: Authority) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Tap(listener.getsockname(), tls=keys(authority)) as tap,
        socket.create_connection(tap.address, timeout=5) as client,
    ):
        client.sendall(b"\x16\x03\x01")  # the beginning of a record, and no more
        tap.settled()
        assert [kind for _, kind, _ in events(tap)] == ["open"]
        tap.stop()
