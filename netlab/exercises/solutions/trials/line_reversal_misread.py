"""Faulty variants of `LineReversal` that misread lines or datagrams."""

from __future__ import annotations

from typing import Any

from netlab.exercises.solutions.trials import line_reversal as correct


class Faulty(correct.LineReversal):
    """The solution with another session, parser or figure; it has a process of its own."""

    session: Any = correct.Session
    parse = staticmethod(correct.parse)
    chunk = correct.CHUNK
    silent_s = correct.SILENT_S

    def __init__(self):
        super().__init__()
        correct.Session, correct.parse = self.session, self.parse
        correct.CHUNK, correct.SILENT_S = self.chunk, self.silent_s


_right_parse = correct.parse


# ── lines ────────────────────────────────────────────────────────────────────────────────────


class NeverAcknowledges(Faulty):
    class session(correct.Session):
        def data(self, *fields):
            return super().data(*fields)[1:]


class ReversesTheNewlineToo(Faulty):
    class session(correct.Session):
        def send(self, data, now):
            return super().send(data[-1:] + data[:-1], now)


class TakesADatagramForALine(Faulty):
    class session(correct.Session):
        def data(self, position, payload, now):
            answers = super().data(position, payload, now)
            self.line = b""
            return answers


class AnswersWhatIsNoLineYet(Faulty):
    class session(correct.Session):
        def data(self, position, payload, now):
            end = b"" if payload.endswith(b"\n") else b"\n"
            answers = super().data(position, payload + end, now)
            self.length -= len(end)
            return [b"/ack/%d/%d/" % (self.number, self.length), *answers[1:]]


class ThinksInText(Faulty):
    @staticmethod
    def parse(datagram):
        kind, numbers, payload = _right_parse(datagram)
        return kind, numbers, payload.decode("utf-8", "replace").encode()


# ── datagrams ────────────────────────────────────────────────────────────────────────────────


class TakesZeroForNothing(Faulty):
    @staticmethod
    def parse(datagram):
        kind, numbers, payload = _right_parse(datagram)
        return (kind, numbers, payload) if numbers and numbers[0] else (None, [], b"")


class TakesWhateverIntTakes(Faulty):
    @staticmethod
    def parse(datagram):
        fields = datagram.split(b"/")
        if len(fields) == 4 and fields[1] == b"connect":
            try:
                return b"connect", [int(fields[2])], b""
            except ValueError:
                pass
        return _right_parse(datagram)


class AnyLength(Faulty):
    @staticmethod
    def parse(datagram):
        head, tail = datagram[:500], datagram[500:]
        kind, numbers, payload = _right_parse(head + b"/" if tail else datagram)
        return kind, numbers, payload + tail[:-1]


class CrashesOnNonsense(Faulty):
    @staticmethod
    def parse(datagram):
        kind, numbers, payload = _right_parse(datagram)
        if kind is None:
            raise ValueError(f"this is no datagram: {datagram[:20]!r}")
        return kind, numbers, payload


class ForgetsToUnescape(Faulty):
    @staticmethod
    def parse(datagram):
        kind, numbers, payload = _right_parse(datagram)
        if kind == b"data":
            payload = correct.FORMS[kind].fullmatch(datagram)[3]
        return kind, numbers, payload


class ForgetsToEscape(Faulty):
    class session(correct.Session):
        def datagram(self, chunk):
            return b"/data/%d/%d/%b/" % (self.number, chunk.position, chunk.data)


class EscapesInTheWrongOrder(Faulty):
    class session(correct.Session):
        def datagram(self, chunk):
            escaped = chunk.data.replace(b"/", b"\\/").replace(b"\\", b"\\\\")
            return b"/data/%d/%d/%b/" % (self.number, chunk.position, escaped)


class CountsEscapedBytes(Faulty):
    class session(correct.Session):
        def send(self, data, now):
            datagrams = super().send(data, now)
            self.sent += data.count(b"/") + data.count(b"\\")
            return datagrams


class ForgetsHowLongEscapedIs(Faulty):
    chunk = 900
