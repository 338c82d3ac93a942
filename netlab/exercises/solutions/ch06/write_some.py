def write_some(sock, unsent):
    try:
        sent = sock.send(unsent)
    except BlockingIOError:
        return True
    del unsent[:sent]  # the rest waits for the next time
    return bool(unsent)
