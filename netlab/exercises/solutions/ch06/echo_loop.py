import selectors

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
ENOUGH = 100_000  # bytes that may wait for a client, before we stop reading from it


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.unsent = bytearray()
        self.ended = False  # it will send no more

    def interest(self):
        """What to wait for; 0: it has ended, and has got everything."""
        read = READ if not self.ended and len(self.unsent) < ENOUGH else 0
        return read | (WRITE if self.unsent else 0)

    def serve(self, events):
        if events & READ:
            data = self.sock.recv(65_536)
            self.unsent += data
            self.ended = not data
        if events & WRITE:
            del self.unsent[: self.sock.send(self.unsent)]


def echo_loop(listener, stop):
    listener.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, READ)
        selector.register(stop, READ)
        while True:
            for key, events in selector.select():
                if key.fileobj is stop:
                    selector.unregister(stop)  # not ours to close
                    for each in list(selector.get_map().values()):
                        each.fileobj.close()
                    return
                if key.fileobj is listener:
                    sock, _ = listener.accept()
                    sock.setblocking(False)
                    selector.register(sock, READ, Client(sock))
                else:
                    serve(selector, key.data, events)


def serve(selector, client, events):
    try:
        client.serve(events)
        interest = client.interest()
    except ConnectionError:
        interest = 0
    if interest:
        selector.modify(client.sock, interest, client)
    else:
        selector.unregister(client.sock)
        client.sock.close()
