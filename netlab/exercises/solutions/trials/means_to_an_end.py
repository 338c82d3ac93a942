import contextlib
import struct
import threading

MESSAGE = struct.Struct(">cii")
MEAN = struct.Struct(">i")


def means_to_an_end(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=[connection], daemon=True).start()


def serve_one(connection):
    levels = {}
    with connection, contextlib.suppress(OSError), connection.makefile("rb") as stream:
        while len(message := stream.read(MESSAGE.size)) == MESSAGE.size:
            letter, first, second = MESSAGE.unpack(message)
            if letter == b"I":
                levels[first] = second
            elif letter == b"Q":
                chosen = [level for time, level in levels.items() if first <= time <= second]
                mean = sum(chosen) // len(chosen) if chosen else 0
                connection.sendall(MEAN.pack(mean))
            else:
                return
