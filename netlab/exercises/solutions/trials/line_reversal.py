import re
import time
from dataclasses import dataclass, field

NUMBER = rb"/([0-9]{1,10})"
FIELDS = {
    b"connect": NUMBER,
    b"close": NUMBER,
    b"ack": NUMBER + NUMBER,
    b"data": NUMBER + NUMBER + rb"/((?:[^\\/]|\\[\\/])*)",
}
FORMS = {kind: re.compile(b"/" + kind + fields + b"/") for kind, fields in FIELDS.items()}
MAX_DATAGRAM, MAX_NUMBER = 999, 2**31 - 1
CHUNK = 400  # bytes of the stream in a datagram: escaped, at most twice as many
AGAIN_S, SILENT_S = 0.2, 2.0


class LineReversal:
    def __init__(self):
        self.sessions = {}

    def received(self, data, peer, now):
        kind, numbers, payload = parse(data)
        if kind is None:
            return []
        number, key = numbers[0], (peer, numbers[0])
        session = self.sessions.get(key)
        if kind == b"connect":
            self.sessions.setdefault(key, Session(number)).heard = now
            return [(b"/ack/%d/0/" % number, peer)]
        answers = None
        if session and kind != b"close":
            session.heard = now
            take = session.data if kind == b"data" else session.ack
            answers = take(*numbers[1:], payload, now)
        if answers is None:
            self.sessions.pop(key, None)
            answers = [b"/close/%d/" % number]
        return [(answer, peer) for answer in answers]

    def due(self, now):
        self.sessions = {k: s for k, s in self.sessions.items() if now - s.heard < SILENT_S}
        return [(again, key[0]) for key, s in self.sessions.items() for again in s.again(now)]


def parse(datagram):
    """Return kind, numbers and bytes of the stream; no kind: it is none of ours."""
    for kind, form in FORMS.items():
        found = form.fullmatch(datagram)
        if found and len(datagram) <= MAX_DATAGRAM:
            numbers = [int(one) for one in found.groups()[:2]]
            if max(numbers) <= MAX_NUMBER:
                payload = found[3] if kind == b"data" else b""
                return kind, numbers, re.sub(rb"\\(.)", rb"\1", payload)
    return None, [], b""


@dataclass
class Chunk:
    position: int
    data: bytes
    sent: float


@dataclass
class Session:
    number: int
    heard: float = 0.0
    length: int = 0  # of the client's stream, as far as it has come
    line: bytes = b""  # its end, which is no whole line yet
    sent: int = 0  # of our stream
    chunks: list[Chunk] = field(default_factory=list)  # of it, not acknowledged

    def data(self, position, payload, now):
        answers = []
        if position <= self.length < position + len(payload):
            fresh = payload[self.length - position :]
            self.length += len(fresh)
            *lines, self.line = (self.line + fresh).split(b"\n")
            answers = self.send(b"".join(line[::-1] + b"\n" for line in lines), now)
        return [b"/ack/%d/%d/" % (self.number, self.length), *answers]

    def send(self, data, now):
        cuts = range(0, len(data), CHUNK)
        new = [Chunk(self.sent + cut, data[cut : cut + CHUNK], now) for cut in cuts]
        self.sent += len(data)
        self.chunks += new
        return [self.datagram(chunk) for chunk in new]

    def ack(self, length, _, now):
        if length > self.sent:
            return None  # that cannot be: the session ends
        for chunk in self.chunks:
            known = max(0, length - chunk.position)
            chunk.data, chunk.position = chunk.data[known:], chunk.position + known
        self.chunks = [chunk for chunk in self.chunks if chunk.data]
        return []

    def again(self, now):
        late = [chunk for chunk in self.chunks if now - chunk.sent >= AGAIN_S]
        for chunk in late:
            chunk.sent = now
        return [self.datagram(chunk) for chunk in late]

    def datagram(self, chunk):
        escaped = chunk.data.replace(b"\\", b"\\\\").replace(b"/", b"\\/")
        return b"/data/%d/%d/%b/" % (self.number, chunk.position, escaped)


def line_reversal(sock):
    """Serve with a UDP socket, in real time."""
    server = LineReversal()
    sock.settimeout(0.05)
    while True:
        sends = []
        try:
            data, peer = sock.recvfrom(65_536)
            sends = server.received(data, peer, time.monotonic())
        except TimeoutError:
            pass
        for datagram, peer in sends + server.due(time.monotonic()):
            sock.sendto(datagram, peer)
