"""Faulty variants of `udp_echo`, each with the probe that catches it."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

ALL = 65_536
IP_RECVERR = 11
"""ip(7), Linux: errors told by ICMP are raised on a socket without a connection, too"""


def _answer(sock: socket.socket, answer: Callable[[bytes], bytes], size: int = ALL) -> None:
    while True:
        data, client = sock.recvfrom(size)
        sock.sendto(answer(data), client)


def udp_echo_once(sock: socket.socket) -> None:
    data, client = sock.recvfrom(ALL)
    sock.sendto(data, client)


def udp_echo_from_another_port(sock: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        while True:
            data, client = sock.recvfrom(ALL)
            other.sendto(data, client)


def udp_echo_thinks_in_text(sock: socket.socket) -> None:
    _answer(sock, lambda data: data.decode("utf-8", "replace").encode())


def udp_echo_strips(sock: socket.socket) -> None:
    _answer(sock, bytes.strip)


def udp_echo_quits(sock: socket.socket) -> None:
    while True:
        data, client = sock.recvfrom(ALL)
        if data == b"quit":
            return
        sock.sendto(data, client)


def udp_echo_twice(sock: socket.socket) -> None:
    while True:
        data, client = sock.recvfrom(ALL)
        sock.sendto(data, client)
        if len(data) == 1:  # "it was so short, perhaps it got lost"
            sock.sendto(data, client)


def udp_echo_ends_with_nothing(sock: socket.socket) -> None:
    while True:
        data, client = sock.recvfrom(ALL)
        if not data:
            break
        sock.sendto(data, client)


def udp_echo_small_buffer(sock: socket.socket) -> None:
    _answer(sock, bytes, 1024)


def udp_echo_buffer_almost_large_enough(sock: socket.socket) -> None:
    _answer(sock, bytes, 8_960)  # a jumbo frame, less its headers, and a bit


def udp_echo_joins(sock: socket.socket) -> None:
    while True:
        data, client = sock.recvfrom(ALL)
        while select.select([sock], [], [], 0.01)[0]:  # "there is more": as one does with TCP
            data += sock.recv(ALL)
        sock.sendto(data, client)


def udp_echo_short_of_room(sock: socket.socket) -> None:
    while True:
        queue = [sock.recvfrom(ALL)]
        while select.select([sock], [], [], 0.02)[0]:
            queue.append(sock.recvfrom(ALL))
        for data, client in queue[:16]:  # more does not fit into its queue
            sock.sendto(data, client)


def udp_echo_knows_one_client(sock: socket.socket) -> None:
    data, client = sock.recvfrom(ALL)
    sock.connect(client)  # from now on the socket hears this client only
    while True:
        sock.send(data)
        data = sock.recv(ALL)


def udp_echo_answers_the_last(sock: socket.socket) -> None:
    queue: list[bytes] = []
    while True:
        data, client = sock.recvfrom(ALL)
        queue.append(data)
        if not select.select([sock], [], [], 0.02)[0]:
            while queue:
                sock.sendto(queue.pop(0), client)


def udp_echo_takes_an_error_for_the_end(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    _answer(sock, bytes)  # ConnectionRefusedError: an earlier answer met a closed port


MUTANTS = (
    (udp_echo_once, "a datagram, then another"),
    (udp_echo_from_another_port, "a datagram, then another"),
    (udp_echo_thinks_in_text, "bytes that are no text"),
    (udp_echo_strips, "bytes that are no text"),
    (udp_echo_quits, "bytes that are no text"),
    (udp_echo_twice, "bytes that are no text"),
    (udp_echo_ends_with_nothing, "an empty datagram"),
    (udp_echo_small_buffer, "sizes about which buffers are chosen"),
    (udp_echo_buffer_almost_large_enough, "the longest datagram"),
    (udp_echo_joins, "five in a row"),
    (udp_echo_short_of_room, "forty at once"),
    (udp_echo_knows_one_client, "two clients in turn"),
    (udp_echo_answers_the_last, "twelve clients at once"),
    (udp_echo_takes_an_error_for_the_end, "clients that do not wait for their answer"),
)
