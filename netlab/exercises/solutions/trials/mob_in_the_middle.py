import contextlib
import re
import socket
import threading

MAX_LINE_BYTES = 100_000
CODE = re.compile(rb"(?<![^ ])bx[a-z0-9]{8,12}(?![^ ])")
OURS = b"bx0postoffice"


def mob_in_the_middle(listener, upstream_address):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve_one, args=[client, upstream_address], daemon=True).start()


def serve_one(client, upstream_address):
    try:
        upstream = socket.create_connection(upstream_address)
    except OSError:
        client.close()
        return
    with client, upstream:
        back = threading.Thread(target=pass_on, args=[upstream, client], daemon=True)
        back.start()
        pass_on(client, upstream)
        back.join()


def pass_on(source, sink):
    with contextlib.suppress(OSError), source.makefile("rb") as stream:
        while (line := stream.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            sink.sendall(CODE.sub(OURS, line[:-1]) + b"\n")
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)  # the other direction ends, too
