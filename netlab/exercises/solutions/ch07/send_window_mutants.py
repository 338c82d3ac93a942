"""Faulty variants of `send_window`, each with the probe that catches it."""

from __future__ import annotations

from typing import Any

RESEND_S = 0.5
MOST_SENDINGS = 8


class _Sender:
    """The solution, in parts that can be replaced."""

    most = MOST_SENDINGS

    def __init__(self, endpoint: Any, messages: list[bytes], window: int) -> None:
        self.endpoint = endpoint
        self.messages = messages
        self.window = window
        self.sendings = [0] * len(messages)
        self.due_s: dict[int, float] = {}
        self.base = self.following = 0

    def run(self) -> int:
        while self.base < len(self.messages):
            limit = min(self.limit(), len(self.messages))
            while self.following < limit:
                self.following += 1
                self.send(self.following - 1)
            self.send_again()
            try:
                data = self.endpoint.receive(
                    max(0.0, min(self.due_s.values()) - self.endpoint.now_s)
                )
            except TimeoutError:
                continue
            self.came(data)
            self.base = min(self.due_s, default=self.following)
        return sum(self.sendings)

    def send(self, number: int) -> None:
        if self.sendings[number] == self.most:
            raise TimeoutError
        self.endpoint.send(number.to_bytes(4) + self.messages[number])
        self.sendings[number] += 1
        self.due_s[number] = self.endpoint.now_s + RESEND_S

    def limit(self) -> int:
        return self.base + self.window

    def send_again(self) -> None:
        for number in [one for one in self.due_s if self.endpoint.now_s >= self.due_s[one]]:
            self.send(number)

    def came(self, data: bytes) -> None:
        if len(data) == 4:
            self.acknowledged(int.from_bytes(data))

    def acknowledged(self, number: int) -> None:
        self.due_s.pop(number, None)


def send_one_at_a_time(endpoint: Any, messages: list[bytes], window: int) -> int:
    return _Sender(endpoint, messages, 1).run()


def send_all_at_once(endpoint: Any, messages: list[bytes], window: int) -> int:
    return _Sender(endpoint, messages, len(messages)).run()


def send_one_too_many(endpoint: Any, messages: list[bytes], window: int) -> int:
    return _Sender(endpoint, messages, window + 1).run()


def send_in_batches(endpoint: Any, messages: list[bytes], window: int) -> int:
    class InBatches(_Sender):
        def limit(self) -> int:
            return self.following if self.due_s else self.base + self.window

    return InBatches(endpoint, messages, window).run()


def send_the_whole_window(endpoint: Any, messages: list[bytes], window: int) -> int:
    class WholeWindow(_Sender):
        """Counts on messages that fill the window."""

        def run(self) -> int:
            for number in range(self.window):
                self.following = number + 1
                self.send(number)
            return super().run()

    return WholeWindow(endpoint, messages, window).run()


def send_first_then_look(endpoint: Any, messages: list[bytes], window: int) -> int:
    class FirstThenLook(_Sender):
        """Takes it for granted that there is a first message."""

        def run(self) -> int:
            self.following = 1
            self.send(0)
            return super().run()

    return FirstThenLook(endpoint, messages, window).run()


def go_back(endpoint: Any, messages: list[bytes], window: int) -> int:
    class GoBack(_Sender):
        """When one is due, all that have been sent behind it are sent again."""

        def send_again(self) -> None:
            due = [one for one in self.due_s if self.endpoint.now_s >= self.due_s[one]]
            if due:
                for number in range(min(due), self.following):
                    self.send(number)

    return GoBack(endpoint, messages, window).run()


def send_all_under_way_again(endpoint: Any, messages: list[bytes], window: int) -> int:
    class AllUnderWay(_Sender):
        """One timer, that of the oldest: when it rings, all that are under way are sent again."""

        def send_again(self) -> None:
            if self.due_s and self.endpoint.now_s >= min(self.due_s.values()):
                for number in list(self.due_s):
                    self.send(number)

    return AllUnderWay(endpoint, messages, window).run()


def count_under_way(endpoint: Any, messages: list[bytes], window: int) -> int:
    class CountUnderWay(_Sender):
        """A message that is stuck does not stop the window."""

        def limit(self) -> int:
            return self.following + self.window - len(self.due_s)

    return CountUnderWay(endpoint, messages, window).run()


def take_them_for_all_before(endpoint: Any, messages: list[bytes], window: int) -> int:
    class AllBefore(_Sender):
        """As TCP does: an acknowledgement stands for all before, too."""

        def acknowledged(self, number: int) -> None:
            for one in [one for one in self.due_s if one <= number]:
                del self.due_s[one]

    return AllBefore(endpoint, messages, window).run()


def count_acknowledgements(endpoint: Any, messages: list[bytes], window: int) -> int:
    class Counts(_Sender):
        """Takes each for that of the oldest."""

        def acknowledged(self, number: int) -> None:
            self.due_s.pop(min(self.due_s))

    return Counts(endpoint, messages, window).run()


def expect_each_once(endpoint: Any, messages: list[bytes], window: int) -> int:
    class Once(_Sender):
        def acknowledged(self, number: int) -> None:
            del self.due_s[number]

    return Once(endpoint, messages, window).run()


def believe_the_beginning(endpoint: Any, messages: list[bytes], window: int) -> int:
    class Beginning(_Sender):
        def came(self, data: bytes) -> None:
            if len(data) >= 4:
                self.acknowledged(int.from_bytes(data[:4]))

    return Beginning(endpoint, messages, window).run()


def wait_anew(endpoint: Any, messages: list[bytes], window: int) -> int:
    class Anew(_Sender):
        """Each old acknowledgement makes it wait anew."""

        def acknowledged(self, number: int) -> None:
            if number not in self.due_s:
                for one in self.due_s:
                    self.due_s[one] = self.endpoint.now_s + RESEND_S
            super().acknowledged(number)

    return Anew(endpoint, messages, window).run()


def send_three_times(endpoint: Any, messages: list[bytes], window: int) -> int:
    class ThreeTimes(_Sender):
        most = 3

    return ThreeTimes(endpoint, messages, window).run()


def send_for_ever(endpoint: Any, messages: list[bytes], window: int) -> int:
    class ForEver(_Sender):
        most = 10**9

    return ForEver(endpoint, messages, window).run()


MUTANTS = (
    (send_one_at_a_time, "a network without faults"),
    (send_all_at_once, "a network without faults"),
    (send_one_too_many, "a network without faults"),
    (send_the_whole_window, "more window than messages"),
    (send_first_then_look, "no message at all"),
    (send_in_batches, "a message is lost"),
    (go_back, "a message is lost"),
    (send_all_under_way_again, "two are lost, at different times"),
    (count_under_way, "a message is lost"),
    (take_them_for_all_before, "a message is lost"),
    (count_acknowledgements, "a message is lost"),
    (expect_each_once, "each acknowledgement comes twice"),
    (believe_the_beginning, "other datagrams"),
    (wait_anew, "an old acknowledgement, again and again"),
    (send_three_times, "lost seven times"),
    (send_for_ever, "nobody is there"),
)
