import socket


def war_probe(start_server):
    with (
        start_server() as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.settimeout(1)
        for data in b"answer hello", b"\xff", b"ask still there?":
            sock.sendto(data, server.address)
        try:
            first = sock.recv(65_535)
        except TimeoutError:
            raise AssertionError("it does not answer any more") from None
        assert first == b"answer still there?", f"it sent {first!r}"
