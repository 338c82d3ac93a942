import contextlib
import threading

MAX_LINE_BYTES = 65_536


def line_echo(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=[connection], daemon=True).start()


def serve_one(connection):
    with connection, contextlib.suppress(OSError), connection.makefile("rb") as stream:
        while line := stream.readline(MAX_LINE_BYTES):
            if not line.endswith(b"\n"):
                return  # too long, or unfinished
            connection.sendall(line)
