import socket
import threading


def stop_probe(make_server):
    before = set(threading.enumerate())
    server = make_server()
    with socket.create_connection(server.address, timeout=0.5) as client:
        server.stop()
        try:
            while client.recv(100):
                pass  # last words are welcome
        except TimeoutError:
            raise AssertionError("its client is not told") from None
    assert set(threading.enumerate()) <= before, "a thread of it still runs"
    try:
        socket.create_connection(server.address, timeout=0.5).close()
    except ConnectionRefusedError:
        return
    raise AssertionError("it still listens")
