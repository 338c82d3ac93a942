import socket


def echo_probe(address):
    sent = b"\xff and a newline\n"
    got = b""
    with socket.create_connection(address, timeout=1) as sock:
        sock.sendall(sent)
        while not got.endswith(b"\n"):
            piece = sock.recv(1024)
            assert piece, f"the server closed after {got!r}"
            got += piece
    assert got == sent, f"sent {sent!r}, got {got!r}"
