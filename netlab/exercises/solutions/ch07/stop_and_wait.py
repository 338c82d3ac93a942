RESEND_S = 0.5
MOST_SENDINGS = 8


def stop_and_wait(endpoint, messages):
    n_sent = 0
    for number, message in enumerate(messages):
        for _ in range(MOST_SENDINGS):
            endpoint.send(number.to_bytes(4) + message)
            n_sent += 1
            if acknowledged(endpoint, number):
                break
        else:
            raise TimeoutError(f"message {number}: no acknowledgement")
    return n_sent


def acknowledged(endpoint, number):
    """Wait for the acknowledgement; say whether it came in time."""
    due_s = endpoint.now_s + RESEND_S
    while True:
        try:
            data = endpoint.receive(due_s - endpoint.now_s)
        except TimeoutError:
            return False
        if data == number.to_bytes(4):
            return True
