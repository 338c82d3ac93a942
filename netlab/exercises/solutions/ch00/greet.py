import socket


def greet(address):
    with socket.create_connection(address) as sock:
        sock.sendall(b"hello\n")
        line = b""
        while not line.endswith(b"\n"):
            line += sock.recv(1024)
        return line
