import contextlib
import selectors
import socket
import threading


class StoppableServer:
    def start(self, address):
        self.listener = socket.create_server(address)
        self.waker, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self.run, name="netlab-echo")
        self.thread.start()

    def stop(self):
        self.waker.close()  # woken becomes readable, and stays so
        self.thread.join()

    def run(self):
        with self.listener, self.woken:
            while self.wait_for(self.listener):
                client, _ = self.listener.accept()
                with client, contextlib.suppress(ConnectionError):
                    self.echo(client)

    def echo(self, client):
        while self.wait_for(client):
            data = client.recv(65_536)
            if not data:
                return
            client.sendall(data)

    def wait_for(self, sock):
        """Wait until `sock` is ready; False: the server is to stop."""
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            selector.register(self.woken, selectors.EVENT_READ)
            return self.woken not in {key.fileobj for key, _ in selector.select()}
