"""Faulty variants of `RttEstimator`, each with the probe that catches it."""

from __future__ import annotations


class _Estimator:
    """The solution, in parts that can be replaced."""

    def __init__(self) -> None:
        self.rto_s = 1.0
        self.srtt_s: float | None = None
        self.rttvar_s = 0.0

    def measured(self, rtt_s: float, retransmitted: bool = False) -> None:
        if not retransmitted:
            self._take(rtt_s)
            self._set()

    def _take(self, rtt_s: float) -> None:
        if self.srtt_s is None:
            self.srtt_s, self.rttvar_s = rtt_s, rtt_s / 2
        else:
            self.rttvar_s = 0.75 * self.rttvar_s + 0.25 * abs(self.srtt_s - rtt_s)
            self.srtt_s = 0.875 * self.srtt_s + 0.125 * rtt_s

    def _wanted_s(self) -> float:
        return (self.srtt_s or 0.0) + 4 * self.rttvar_s

    def _set(self) -> None:
        self.rto_s = min(60.0, max(1.0, self._wanted_s()))

    def timed_out(self) -> None:
        self.rto_s = min(60.0, 2 * self.rto_s)


class StartsAtThree(_Estimator):
    """As RFC 2988 had it, before RFC 6298."""

    def __init__(self) -> None:
        super().__init__()
        self.rto_s = 3.0


class NoSpreadAtFirst(_Estimator):
    def _take(self, rtt_s: float) -> None:
        first = self.srtt_s is None
        super()._take(rtt_s)
        if first:
            self.rttvar_s = 0.0


class NoMinimum(_Estimator):
    def _set(self) -> None:
        self.rto_s = min(60.0, self._wanted_s())


class WrongOrder(_Estimator):
    def _take(self, rtt_s: float) -> None:
        if self.srtt_s is None:
            super()._take(rtt_s)
            return
        self.srtt_s = 0.875 * self.srtt_s + 0.125 * rtt_s
        self.rttvar_s = 0.75 * self.rttvar_s + 0.25 * abs(self.srtt_s - rtt_s)


class OtherWeights(_Estimator):
    def _take(self, rtt_s: float) -> None:
        if self.srtt_s is None:
            super()._take(rtt_s)
            return
        self.rttvar_s = 0.25 * self.rttvar_s + 0.75 * abs(self.srtt_s - rtt_s)
        self.srtt_s = 0.125 * self.srtt_s + 0.875 * rtt_s


class OnlyLonger(_Estimator):
    """The deviation without its absolute value."""

    def _take(self, rtt_s: float) -> None:
        if self.srtt_s is None:
            super()._take(rtt_s)
            return
        self.rttvar_s = 0.75 * self.rttvar_s + 0.25 * (rtt_s - self.srtt_s)
        self.srtt_s = 0.875 * self.srtt_s + 0.125 * rtt_s


class NothingIsFirst(_Estimator):
    """Takes an SRTT of 0 for none."""

    def _take(self, rtt_s: float) -> None:
        self.srtt_s = self.srtt_s or None
        super()._take(rtt_s)


class LimitsTheMean(_Estimator):
    """The minimum of `rto_s` finds its way into SRTT."""

    def _take(self, rtt_s: float) -> None:
        super()._take(max(1.0, rtt_s))


class NoMaximum(_Estimator):
    def _set(self) -> None:
        self.rto_s = max(1.0, self._wanted_s())


class DoublesForEver(_Estimator):
    def timed_out(self) -> None:
        self.rto_s *= 2


class BelievesEveryCopy(_Estimator):
    def measured(self, rtt_s: float, retransmitted: bool = False) -> None:
        super().measured(rtt_s)


class ForgetsPatience(_Estimator):
    """Does not measure what was sent twice, but takes the doubling back."""

    def measured(self, rtt_s: float, retransmitted: bool = False) -> None:
        super().measured(rtt_s, retransmitted)
        if retransmitted and self.srtt_s is not None:
            self._set()


class StaysPatient(_Estimator):
    def __init__(self) -> None:
        super().__init__()
        self._factor = 1

    def timed_out(self) -> None:
        super().timed_out()
        self._factor *= 2

    def _wanted_s(self) -> float:
        return super()._wanted_s() * self._factor


MUTANTS = (
    (StartsAtThree, "nothing measured"),
    (NoSpreadAtFirst, "the first"),
    (NoMinimum, "one less than a second"),
    (LimitsTheMean, "the first"),
    (WrongOrder, "the second"),
    (OtherWeights, "the second"),
    (OnlyLonger, "the second"),
    (NothingIsFirst, "the second"),
    (NoMaximum, "more than a minute"),
    (DoublesForEver, "nobody answers"),
    (BelievesEveryCopy, "measured what was sent twice"),
    (ForgetsPatience, "patience stays"),
    (StaysPatient, "an answer after all"),
)
