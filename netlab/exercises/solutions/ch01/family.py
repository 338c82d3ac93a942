import socket


def family(text):
    if text.startswith("/"):
        return socket.AF_UNIX
    for candidate in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(candidate, text)
        except OSError:
            continue
        return candidate
    raise ValueError(f"{text!r} is no numeric address and no path")
