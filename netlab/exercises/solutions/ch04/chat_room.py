import contextlib
import queue
import socket
import threading


class ChatRoom:
    def start(self):
        self.lock = threading.Lock()  # guards outboxes, and so the order of what is said
        self.outboxes = {}  # of each socket in the room
        self.readers = []
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.acceptor = threading.Thread(target=self.accept, name="netlab-accept")
        self.acceptor.start()

    def stop(self):
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self.acceptor.join()  # from here on nobody joins
        self.listener.close()
        with self.lock:
            for sock in self.outboxes:
                hang_up(sock)
        for reader in self.readers:
            reader.join()

    def accept(self):
        while not self.stopping.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:  # stop() has woken us, or there is no descriptor left
                self.stopping.wait(0.1)
                continue
            outbox = queue.Queue(100)
            outbox.put(b"welcome\n")
            with self.lock:
                self.outboxes[sock] = outbox
            reader = threading.Thread(target=self.read, args=[sock, outbox], name="netlab-reader")
            self.readers = [one for one in self.readers if one.is_alive()] + [reader]
            reader.start()

    def read(self, sock, outbox):
        """Serve one client; whatever ends it, it is tidied up here and nowhere else."""
        writer = threading.Thread(target=write, args=[sock, outbox], name="netlab-writer")
        writer.start()
        with contextlib.suppress(OSError), sock.makefile("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    self.say(line)
        with self.lock:
            del self.outboxes[sock]
        hang_up(sock)  # wakes a writer that waits in sendall
        with contextlib.suppress(queue.Full):
            outbox.put_nowait(b"")  # wakes a writer that waits in get
        writer.join()
        sock.close()

    def say(self, line):
        with self.lock:  # nothing in here waits
            for sock, outbox in self.outboxes.items():
                try:
                    outbox.put_nowait(line)
                except queue.Full:
                    hang_up(sock)  # wakes its reader, which does the rest


def write(sock, outbox):
    with contextlib.suppress(OSError):
        while line := outbox.get():
            sock.sendall(line)


def hang_up(sock):
    with contextlib.suppress(OSError):  # the client may have gone already
        sock.shutdown(socket.SHUT_RDWR)
