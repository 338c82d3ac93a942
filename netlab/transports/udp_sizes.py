"""How long datagrams are, in bytes; how long they may take to be answered, in seconds."""

from __future__ import annotations

MAX_PAYLOAD_BYTES = 65_507
"""a UDP length of 16 bits counts 65,535, of which headers take 8 + 20 (RFC 768, RFC 791)"""
ECHO_BYTES = len(b"Echo: ")
"""what the text service puts before a text"""
MAX_REPLY_BYTES = 60_000
"""longest reply of the chat service"""
MIN_HELLO_BYTES = 512
"""shortest `hello` that is answered with a cookie: as in QUIC's first packet (RFC 9000, 8.1),
whoever sends on somebody else's behalf must send more than that one receives"""
RECV_BYTES = 65_535
"""more than the longest datagram: what does not fit into the buffer of `recvfrom` is cut off"""
SOCKET_BUFFER_BYTES = 4 * 1024 * 1024
"""what the kernel is asked to keep for us while we do something else"""
