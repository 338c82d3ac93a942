import socket
import threading


def spin_probe(start_server):
    with start_server() as server, socket.create_connection(server.address):
        socket.create_connection(server.address).close()
        before = server.rounds
        threading.Event().wait(0.2)
        rounds = server.rounds - before
    assert rounds < 100, f"{rounds} rounds in 0.2 s, though nothing happened"
