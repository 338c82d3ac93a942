"""Echo servers for the red team of chapter 03: some stop when they are told, others only say so.

All of them serve in one thread that a selector wakes. They differ in what `stop` does.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading

from netlab.exercises.stoppable import come_to_rest

LEISURE_S = 0.3
"""seconds that the unhurried server takes to stop"""


class EchoServer:
    """A correct one; it runs as soon as it is made.

    Who has connected when `stop` is called has what it said echoed, and gets FIN, not RST.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.address = self._listener.getsockname()
        self._clients: set[socket.socket] = set()
        self._waker, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="netlab-echo", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop it; once more does nothing."""
        self._waker.close()
        self._thread.join()
        self._woken.close()
        self._tell_clients()
        self._free_port()

    def _tell_clients(self) -> None:
        while self._clients:
            self._clients.pop().close()

    def _free_port(self) -> None:
        self._listener.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while self._woken not in {key.fileobj for key, _ in selector.select()}:
                self._look(selector)
            self._look(selector)  # what came before stop was called

    def _look(self, selector: selectors.BaseSelector) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                client, _ = self._listener.accept()
                client.setblocking(False)
                selector.register(client, selectors.EVENT_READ)
                self._clients.add(client)
        for client in self._clients.copy():
            if not _echo(client):
                selector.unregister(client)
                self._clients.remove(client)
                client.close()


class UnhurriedServer(EchoServer):
    """Correct: it says goodbye before it ends, and takes its time."""

    def _tell_clients(self) -> None:
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.sendall(b"goodbye\n")
        if self._clients:
            threading.Event().wait(LEISURE_S)
        super()._tell_clients()


class ServesOneMore(EchoServer):
    """Closes its listener while a thread of its own waits in `accept`."""

    def _free_port(self) -> None:
        if self._listener.fileno() == -1:
            return
        # Seen from outside, this thread could have waited from the beginning. It begins so late
        # that it is certain to be in accept when the listener is closed.
        others = set(threading.enumerate())
        self._listener.setblocking(True)
        threading.Thread(target=self._serve_one, name="netlab-accept", daemon=True).start()
        come_to_rest(others)
        self._listener.close()

    def _serve_one(self) -> None:
        client, _ = self._listener.accept()
        with client:
            while _echo(client):
                pass


class KeepsItsPort(EchoServer):
    """Ends its thread, and forgets the listener: the kernel goes on saying yes."""

    def _free_port(self) -> None:
        pass


class TellsNobody(EchoServer):
    """Forgets those who are connected."""

    def _tell_clients(self) -> None:
        pass


class LeavesAThread(EchoServer):
    """Has a thread for housekeeping, which nobody wakes."""

    def __init__(self) -> None:
        super().__init__()
        keep = threading.Event()
        threading.Thread(target=keep.wait, name="netlab-housekeeping", daemon=True).start()


def _echo(client: socket.socket) -> bool:
    """Send back what has come; False: it has ended."""
    try:
        while data := client.recv(65_536):
            client.sendall(data)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
