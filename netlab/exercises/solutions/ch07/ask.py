import time


def ask(sock, server, question, timeout_s):
    deadline_s = time.monotonic() + timeout_s
    sock.sendto(question, server)
    while (left_s := deadline_s - time.monotonic()) > 0:
        sock.settimeout(left_s)  # recvfrom raises TimeoutError by itself
        answer, sender = sock.recvfrom(65_535)
        if sender == server:
            return answer
    raise TimeoutError(f"no answer within {timeout_s} s")
