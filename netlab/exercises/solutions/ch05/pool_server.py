import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor


class PoolServer:
    def __init__(self, answer, workers, queue_size, idle_seconds):
        self.answer = answer
        self.workers, self.queue_size = workers, queue_size
        self.idle_seconds = idle_seconds
        self.clients = set()  # those who are served, and those who wait
        self.lock = threading.Lock()  # guards the set

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.pool = ThreadPoolExecutor(self.workers)
        self.acceptor = threading.Thread(target=self.accept)
        self.acceptor.start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which raises OSError
        self.acceptor.join()
        self.listener.close()
        with self.lock:
            for client in self.clients:
                with contextlib.suppress(OSError):  # it may have gone just now
                    client.shutdown(socket.SHUT_RDWR)  # wakes its worker
        self.pool.shutdown()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                place = len(self.clients)
                welcome = place < self.workers + self.queue_size
                if welcome:
                    self.clients.add(client)
            if not welcome:
                self.say(client, b"full")
                client.close()
                continue
            if place >= self.workers:
                self.say(client, b"waiting")
            self.pool.submit(self.serve, client)

    def serve(self, client):
        client.settimeout(self.idle_seconds)
        try:
            with client.makefile("rb") as lines:
                for line in lines:
                    client.sendall(self.reply(line.removesuffix(b"\n")) + b"\n")
        except TimeoutError:
            self.say(client, b"idle")
        except OSError:
            pass  # it has vanished
        finally:
            with self.lock:
                self.clients.remove(client)
            client.close()

    def reply(self, line):
        try:
            return self.answer(line)
        except Exception:  # whatever it is, it costs one answer and not the worker
            return b"error"

    def say(self, client, word):
        with contextlib.suppress(OSError):
            client.sendall(word + b"\n")
