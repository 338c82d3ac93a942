"""No server at all: ready-made frames to everybody, several in one write, for lines over TCP.

It decodes nothing and knows no rooms; so what the load generator reaches with it is what the load
generator can do.
"""

from __future__ import annotations

import select
import socket

MARK = b"|"
MESSAGE = b'{"type":"room_message","room":"hall","content":"' + 99 * b"x" + b'|"}\n'
PONG = b'{"type":"pong","ref":"|"}\n'

listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
poll = select.epoll()
poll.register(listener, select.EPOLLIN)
clients: dict[int, socket.socket] = {}
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
while True:
    said = 0
    for number, _ in poll.poll():
        if number == listener.fileno():
            client, _ = listener.accept()
            clients[client.fileno()] = client
            poll.register(client, select.EPOLLIN)
            continue
        try:
            data = clients[number].recv(65_536)
        except ConnectionError:
            data = b""
        if not data:
            poll.unregister(number)
            clients.pop(number).close()
        elif b'"ping"' in data:
            clients[number].send(PONG * data.count(MARK))
        else:
            said += data.count(MARK)
    if said:
        frames = MESSAGE * said
        for each in clients.values():
            each.send(frames)
