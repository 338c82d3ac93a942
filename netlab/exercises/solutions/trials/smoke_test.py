import contextlib
import threading


def smoke_test(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=[connection], daemon=True).start()


def serve_one(connection):
    with connection, contextlib.suppress(ConnectionError):
        while data := connection.recv(65_536):
            connection.sendall(data)
