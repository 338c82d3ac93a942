RESEND_S = 0.5
MOST_SENDINGS = 8


def send_window(endpoint, messages, window):
    sendings = [0] * len(messages)
    due_s = {}  # number -> when it is sent again: of those under way
    base = following = 0  # the first not acknowledged, the first not sent

    def send(number):
        if sendings[number] == MOST_SENDINGS:
            raise TimeoutError(f"message {number}: no acknowledgement")
        endpoint.send(number.to_bytes(4) + messages[number])
        sendings[number] += 1
        due_s[number] = endpoint.now_s + RESEND_S

    while base < len(messages):
        while following < min(base + window, len(messages)):
            send(following)
            following += 1
        for number in [each for each in due_s if endpoint.now_s >= due_s[each]]:
            send(number)
        try:
            data = endpoint.receive(min(due_s.values()) - endpoint.now_s)
        except TimeoutError:
            continue  # something is due
        if len(data) == 4:
            due_s.pop(int.from_bytes(data), None)
        base = min(due_s, default=following)
    return sum(sendings)
