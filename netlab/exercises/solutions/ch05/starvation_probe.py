import contextlib
import socket


def starvation_probe(address):
    with contextlib.ExitStack() as clients:
        for _ in range(10):  # the idle ones, as many as there may be workers
            clients.enter_context(socket.create_connection(address))
        last = clients.enter_context(socket.create_connection(address, timeout=0.6))
        last.sendall(b"hello\n")
        try:
            heard = last.recv(100)
        except TimeoutError:
            heard = b""
        assert heard, "ten silent clients, and the eleventh is told nothing"
