"""A recording as a file for Wireshark (pcapng): `Recording.to_pcapng`.

    tap.recording.to_pcapng("talk.pcapng")       # then: wireshark talk.pcapng

Each connection becomes a stream of packets, made by `netlab.lab.packets`, whose bytes are those
recorded. What a packet cannot say stands in its comment (in Wireshark's filter: frame.comment): the
connection's name, what a fault proxy has done, and where a recording was full. Where no IP address
is known (UNIX sockets, recorded sockets of a pair) loopback addresses are made up. What was inside
TLS is shown on a port that Wireshark connects with no protocol, so that it looks at the bytes.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

try:
    from dpkt import pcapng
except ModuleNotFoundError as error:
    if error.name != "dpkt":
        raise
    raise ModuleNotFoundError(
        "writing a file for Wireshark needs dpkt: pip install 'netlab[lab]'", name="dpkt"
    ) from None

from netlab.lab.packets import End, TCPStream, UDPStream
from netlab.lab.recording import Chunk, Ends

LINKTYPE_RAW = 101  # packets begin with their IP header, of either version
SNAPLEN_BYTES = 262_144
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
UNKNOWN_SERVER_PORT = 50_080
PLAINTEXT_PORT = 50_443
"""in place of the port of a TLS server, which would make Wireshark look for TLS"""
MADE_UP_PORTS = range(51_001, 54_001)  # which Wireshark connects with no protocol
MAX_COMMENT_BYTES = 4_000

_LE = sys.byteorder == "little"  # what dpkt's writer wants
_Option = pcapng.PcapngOptionLE if _LE else pcapng.PcapngOption
_Header = pcapng.SectionHeaderBlockLE if _LE else pcapng.SectionHeaderBlock
_Interface = pcapng.InterfaceDescriptionBlockLE if _LE else pcapng.InterfaceDescriptionBlock
_Packet = pcapng.EnhancedPacketBlockLE if _LE else pcapng.EnhancedPacketBlock


class PcapngFile:
    """Writes chunks as they come; `finish` writes the last. The file stays open.

    Args:
        file: a binary file open for writing.
        started_at_s: when the recording began, in seconds since 1970; chunks' times count from it.
        about: a comment for the whole file.
    """

    def __init__(self, file: BinaryIO, started_at_s: float, about: str = "") -> None:
        self._started_at_s = started_at_s
        options = [_Option(code=pcapng.PCAPNG_OPT_SHB_USERAPPL, data=b"netlab")]
        if about:
            options.append(_comment(about))
        self._writer = pcapng.Writer(
            file,
            shb=_Header(opts=[*options, _Option()]),
            idb=_Interface(
                linktype=LINKTYPE_RAW,
                snaplen=SNAPLEN_BYTES,
                opts=[_Option(code=pcapng.PCAPNG_OPT_IF_NAME, data=b"netlab"), _Option()],
            ),
        )
        self._held: tuple[float, bytes, list[str]] | None = None  # comments may still come for it
        self._streams: dict[str, TCPStream | UDPStream] = {}
        self._comments: dict[str, list[str]] = {}  # of a connection, for its next packet
        self._made_up = 0
        self._taken: set[tuple[str, End, End]] = set()
        self.packets = 0
        """how many were made"""

    def add(self, chunk: Chunk, ends: Ends, name: str = "") -> None:
        """Write the packets for one chunk. `name` is what to call its connection, if not so."""
        key = chunk.connection
        stream = self._streams.get(key)
        if stream is None or chunk.kind == "open" or not _carries(stream, chunk):
            if stream is not None and chunk.kind in ("fin", "rst", "error"):
                return  # it has ended already; what comes after says so once more
            stream = self._begin(key, ends, name or key)
            if chunk.kind != "open" and ends.transport == "tcp":
                self._say(key, "recorded from here on: how it was opened is not in the recording")
        if chunk.note:
            self._say(key, chunk.note)
        time_s = self._started_at_s + chunk.time_s
        for packet in self._packets(stream, chunk):
            self._write(time_s, packet, self._comments.pop(key, []))

    def finish(self, comment: str = "") -> None:
        """Write what is held back. `comment` goes to the last packet."""
        left = [text for key in self._comments for text in self._comments[key]]
        self._comments.clear()
        if self._held is not None:
            self._held[2].extend([*left, *([comment] if comment else [])])
            self._flush()

    def _packets(self, stream: TCPStream | UDPStream, chunk: Chunk) -> Iterator[bytes]:
        key, direction = chunk.connection, chunk.direction
        size = len(chunk.data)
        match chunk.kind, stream:
            case "open", TCPStream():
                return stream.open()
            case "data", UDPStream():
                if size > stream.max_bytes:
                    self._say(key, f"a datagram of {size:,} bytes, here in several: UDP has less")
                return stream.data(direction, chunk.data)
            case "data", TCPStream():
                return stream.data(direction, chunk.data)
            case "lost", _:
                self._say(key, f"before this, {size:,} bytes were lost ({direction})")
            case "fin", TCPStream():
                return stream.fin(direction)
            case "rst", TCPStream():
                return stream.rst(direction)
            case "error", _:
                text = chunk.data.decode(errors="replace")
                self._say(key, text)
                if isinstance(stream, TCPStream):
                    return stream.rst(direction)
                return stream.unreachable(direction, refused="Refused" in text)
        return iter(())

    def _begin(self, key: str, ends: Ends, name: str) -> TCPStream | UDPStream:
        """Make a stream, between addresses that no other has."""
        client, server = self._addresses(ends)
        known = client is not None
        while client is None or (ends.transport, client, server) in self._taken:
            client = self._make_up(server)
        self._taken.add((ends.transport, client, server))
        title = name if name == key else f"{name} ({key})"
        if ends.decrypted:
            title += ", what was inside TLS"
        if not known:
            title += "; the addresses are made up"
        self._say(key, title)
        stream = (UDPStream if ends.transport == "udp" else TCPStream)(client, server)
        self._streams[key] = stream
        return stream

    def _make_up(self, server: End) -> End:
        """Return a client of this server; when the ports are used up, on another address."""
        round_, number = divmod(self._made_up, len(MADE_UP_PORTS))
        self._made_up += 1
        first = int.from_bytes(_loopback(server), "big")
        return End((first + round_).to_bytes(len(server.address), "big"), MADE_UP_PORTS[number])

    def _addresses(self, ends: Ends) -> tuple[End | None, End]:
        """Return the two ends in one family, the client's if it is known."""
        server = _end(ends.server)
        client = _end(ends.client)
        if server is None:
            family = client.family if client else socket.AF_INET
            server = End(socket.inet_pton(family, LOOPBACK[family]), UNKNOWN_SERVER_PORT)
        if ends.decrypted:
            server = replace(server, port=PLAINTEXT_PORT)
        if client is not None and client.family != server.family:  # a proxy was in between
            client = replace(client, address=_loopback(server))
        return client, server

    def _say(self, key: str, text: str) -> None:
        self._comments.setdefault(key, []).append(text)

    def _write(self, time_s: float, packet: bytes, comments: list[str]) -> None:
        self._flush()
        self._held = time_s, packet, comments
        self.packets += 1

    def _flush(self) -> None:
        if self._held is None:
            return
        time_s, packet, comments = self._held
        self._held = None
        if comments:
            options = [_comment("; ".join(comments)), _Option()]
            self._writer.writepkt(_Packet(pkt_data=packet, opts=options), ts=time_s)
        else:
            self._writer.writepkts([(time_s, packet)])


def write_pcapng(
    file: BinaryIO,
    chunks: list[Chunk],
    *,
    started_at_s: float,
    ends: Mapping[str, Ends],
    names: Mapping[str, str],
    ports: Mapping[int, str],
    dropped_note: str = "",
) -> None:
    """Write a whole recording; `names` are by connection, as are `ends`, where they are known."""
    out = PcapngFile(file, started_at_s, dropped_note)
    guesses = _guesses(chunks, ports)
    for chunk in chunks:
        key = chunk.connection
        out.add(chunk, ends.get(key) or guesses[key], names.get(key, key))
    out.finish(dropped_note)


def _guesses(chunks: list[Chunk], ports: Mapping[int, str]) -> dict[str, Ends]:
    """Guess the ends of connections from the ports that were noted, and from what happened.

    Of TCP there is more than data, of UDP there is not; TCP is likelier where nothing tells.
    """
    first: dict[str, int] = {}
    for port, owner in ports.items():
        first.setdefault(owner, port)
    udp = bool(ports) and not any(chunk.kind in ("open", "fin", "rst") for chunk in chunks)
    host = LOOPBACK[socket.AF_INET]
    server = (host, first["server"]) if "server" in first else None
    return {
        key: Ends(
            transport="udp" if udp else "tcp",
            client=(host, first[key]) if key in first else None,
            server=server,
        )
        for key in dict.fromkeys(chunk.connection for chunk in chunks)
    }


def _carries(stream: TCPStream | UDPStream, chunk: Chunk) -> bool:
    return isinstance(stream, UDPStream) or stream.carries(chunk.direction)


def _end(address: tuple[str, int] | None) -> End | None:
    """Return the packed address of a numeric (host, port); None for one that is no IP address."""
    if address is None:
        return None
    host = address[0].partition("%")[0]
    for family in LOOPBACK:
        try:
            return End(socket.inet_pton(family, host), address[1])
        except OSError:
            continue
    return None


def _loopback(like: End) -> bytes:
    return socket.inet_pton(like.family, LOOPBACK[like.family])


def _comment(text: str) -> pcapng.PcapngOption:
    data = text.encode(errors="replace")[:MAX_COMMENT_BYTES]
    whole = data.decode(errors="ignore")  # a character may have been cut in two
    return _Option(code=pcapng.PCAPNG_OPT_COMMENT, text=whole)
