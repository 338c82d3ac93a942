import socket


def freeze_probe(address):
    line = b"x" * 59_999 + b"\n"
    silent = socket.create_connection(address)
    speaker = socket.create_connection(address, timeout=0.5)
    with silent, speaker, speaker.makefile("rb") as heard:
        silent.recv(100)  # its welcome: it is in the room, and reads nothing from here on
        assert heard.readline() == b"welcome\n"
        try:
            for number in range(200):
                speaker.sendall(line)
                assert heard.readline() == line, f"line {number} came otherwise"
        except TimeoutError:
            raise AssertionError("one silent client, and nobody hears anything") from None
