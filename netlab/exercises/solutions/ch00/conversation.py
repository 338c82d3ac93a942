import socket
import threading


def conversation():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer_one, args=[listener])
        server.start()
        with socket.create_connection(listener.getsockname()) as sock:
            sock.sendall(b"hello")
            reply = sock.recv(100)
        server.join()
        return reply


def answer_one(listener):
    connection, _ = listener.accept()
    with connection:
        connection.sendall(connection.recv(100))
