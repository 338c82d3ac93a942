import contextlib
import socket
import time


def say_goodbye(sock, last_words, timeout_s):
    until = time.monotonic() + timeout_s
    with sock, contextlib.suppress(OSError):  # the client may be gone, or may not go in time
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)  # FIN: that was all
        while (left_s := until - time.monotonic()) > 0:
            sock.settimeout(left_s)
            if not sock.recv(65_536):
                break
