"""Faulty variants of `LineReversal`, each with the probe that catches it."""

from __future__ import annotations

import time

from netlab.exercises.solutions.trials import line_reversal as correct
from netlab.exercises.solutions.trials import line_reversal_misread as misread
from netlab.exercises.solutions.trials.line_reversal_misread import Faulty

# ── sessions ─────────────────────────────────────────────────────────────────────────────────


class ConnectBeginsAnew(Faulty):
    def received(self, data, peer, now):
        if data.startswith(b"/connect/"):
            self.sessions.pop((peer, self.parse(data)[1][0] if self.parse(data)[1] else 0), None)
        return super().received(data, peer, now)


class AnswersOneConnect(Faulty):
    def received(self, data, peer, now):
        before = len(self.sessions)
        answers = super().received(data, peer, now)
        old = data.startswith(b"/connect/") and len(self.sessions) == before
        return [] if old else answers


class SilentIfNotOpen(Faulty):
    def received(self, data, peer, now):
        numbers = self.parse(data)[1]
        known = data.startswith(b"/connect/") or (numbers and (peer, numbers[0]) in self.sessions)
        return super().received(data, peer, now) if known else []


class RemembersTheDead(Faulty):
    def received(self, data, peer, now):
        kind, numbers, _ = self.parse(data)
        if kind == b"close" and (peer, numbers[0]) in self.sessions:
            self.dead = {**getattr(self, "dead", {}), numbers[0]: self.sessions[peer, numbers[0]]}
        answers = super().received(data, peer, now)
        if kind == b"connect" and numbers[0] in getattr(self, "dead", {}):
            self.sessions[peer, numbers[0]] = self.dead.pop(numbers[0])
        return answers


class OneNumberForAllAddresses(Faulty):
    def __init__(self):
        super().__init__()
        self.owners = {}

    def received(self, data, peer, now):
        numbers = self.parse(data)[1]
        owner = self.owners.setdefault(numbers[0], peer) if numbers else peer
        return [(answer, peer) for answer, _ in super().received(data, owner, now)]


class EightSessions(Faulty):
    def received(self, data, peer, now):
        answers = super().received(data, peer, now)
        while len(self.sessions) > 8:
            del self.sessions[next(iter(self.sessions))]
        return answers


class NeverForgets(Faulty):
    silent_s = 1e9


class TakesNoAckForASignOfLife(Faulty):
    def received(self, data, peer, now):
        kind, numbers, _ = self.parse(data)
        session = self.sessions.get((peer, numbers[0])) if numbers else None
        heard = session.heard if session else now
        answers = super().received(data, peer, now)
        if session and kind == b"ack":
            session.heard = heard
        return answers


# ── streams ──────────────────────────────────────────────────────────────────────────────────


class CountsTwice(Faulty):
    class session(correct.Session):
        def data(self, position, payload, now):
            return super().data(max(position, self.length), payload, now)


class TakesOnlyWhatFitsExactly(Faulty):
    class session(correct.Session):
        def data(self, position, payload, now):
            if position != self.length:
                payload = b""
            return super().data(position, payload, now)


class SilentAboutTheKnown(Faulty):
    class session(correct.Session):
        def data(self, position, payload, now):
            known = position + len(payload) <= self.length
            return [] if known and payload else super().data(position, payload, now)


class SilentAboutAGap(Faulty):
    class session(correct.Session):
        def data(self, position, payload, now):
            return [] if position > self.length else super().data(position, payload, now)


class AcknowledgesWhatItHasNot(Faulty):
    class session(correct.Session):
        def data(self, position, payload, now):
            answers = super().data(position, payload, now)
            furthest = max(self.length, position + len(payload))
            return [b"/ack/%d/%d/" % (self.number, furthest), *answers[1:]]


class ForgetsThatMoreMayBeMissing(Faulty):
    class session(correct.Session):
        def data(self, position, payload, now):
            early = self.__dict__.setdefault("early", {})
            if position > self.length:
                early[position] = payload
                return super().data(position, payload, now)
            answers = super().data(position, payload, now)[1:]
            for known in sorted(early):
                later = early.pop(known)
                if known >= self.length:  # there may still be a gap before it
                    answers += super().data(self.length, later, now)[1:]
            return [b"/ack/%d/%d/" % (self.number, self.length), *answers]


class SendsOnce(Faulty):
    def due(self, now):
        super().due(now)
        return []


class SendsTwice(Faulty):
    class session(correct.Session):
        def again(self, now):
            found = super().again(now)
            self.chunks = [chunk for chunk in self.chunks if chunk.sent < now] if found else []
            return found


class SendsAllTheTime(Faulty):
    class session(correct.Session):
        def again(self, now):
            return [self.datagram(chunk) for chunk in self.chunks]


class IsPatient(Faulty):
    class session(correct.Session):
        def again(self, now):
            late = [chunk for chunk in self.chunks if now - chunk.sent >= 1.0]
            return super().again(now) if late else []


class SendsWholeChunksAgain(Faulty):
    class session(correct.Session):
        def ack(self, length, _, now):
            known = [chunk for chunk in self.chunks if chunk.position + len(chunk.data) <= length]
            return super().ack(sum(len(chunk.data) for chunk in known), _, now)


class BelievesAnOldAck(Faulty):
    class session(correct.Session):
        acknowledged = 0
        all = b""

        def send(self, data, now):
            self.all += data
            return super().send(data, now)

        def ack(self, length, _, now):
            answers = super().ack(length, _, now)
            if answers is not None and length < self.sent:
                self.chunks = [correct.Chunk(length, self.all[length:], now)]
            return answers


class BelievesEveryAck(Faulty):
    class session(correct.Session):
        def ack(self, length, _, now):
            return super().ack(min(length, self.sent), _, now)


def never_answers(sock):
    """Serves in real time, and answers nothing."""
    while True:
        sock.recvfrom(65_536)


class ReadsAnotherClock(Faulty):
    def due(self, now):
        return super().due(time.time())


MUTANTS = (
    (never_answers, "a session from beginning to end"),
    (misread.NeverAcknowledges, "a session from beginning to end"),
    (misread.ReversesTheNewlineToo, "a session from beginning to end"),
    (ReadsAnotherClock, "a session from beginning to end"),
    (misread.TakesADatagramForALine, "lines in two pieces"),
    (misread.AnswersWhatIsNoLineYet, "lines in two pieces"),
    (misread.TakesZeroForNothing, "the smallest and the largest number"),
    (misread.TakesWhateverIntTakes, "no datagram at all"),
    (misread.AnyLength, "no datagram at all"),
    (misread.CrashesOnNonsense, "no datagram at all"),
    (ConnectBeginsAnew, "connect, once more"),
    (AnswersOneConnect, "connect, once more"),
    (CountsTwice, "the same bytes twice"),
    (TakesOnlyWhatFitsExactly, "the same bytes twice"),
    (SilentAboutTheKnown, "the same bytes twice"),
    (SilentAboutAGap, "a gap"),
    (AcknowledgesWhatItHasNot, "a gap"),
    (misread.ForgetsToUnescape, "slashes and backslashes"),
    (misread.ForgetsToEscape, "slashes and backslashes"),
    (misread.EscapesInTheWrongOrder, "slashes and backslashes"),
    (misread.CountsEscapedBytes, "slashes and backslashes"),
    (misread.ThinksInText, "bytes that are no text"),
    (misread.ForgetsHowLongEscapedIs, "the longest lines"),
    (SendsOnce, "nothing is acknowledged"),
    (SendsTwice, "nothing is acknowledged"),
    (SendsAllTheTime, "nothing is acknowledged"),
    (IsPatient, "nothing is acknowledged"),
    (SendsWholeChunksAgain, "a part is acknowledged"),
    (BelievesAnOldAck, "a part is acknowledged"),
    (BelievesEveryAck, "more is acknowledged than was sent"),
    (SilentIfNotOpen, "sessions that are not open"),
    (RemembersTheDead, "closed, and opened once more"),
    (OneNumberForAllAddresses, "one number, two addresses"),
    (EightSessions, "twelve sessions at once"),
    (NeverForgets, "a silent client"),
    (TakesNoAckForASignOfLife, "a silent client"),
    (ForgetsThatMoreMayBeMissing, "a bad network"),
)
