"""Exercises of chapter 03: how a conversation ended, and ways to end one well."""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises import goodbyes
from netlab.exercises.goodbyes import LAST_WORDS, LONG_S, SHORT_S
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers_ch03 import meet_an_end, take_leave
from netlab.exercises.server_endings import stop_probe, stoppable_server
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

# ---------------------------------------------------------------- warm-up

UNTOUCHED = 6
"""number of the rule that the socket stays as it is"""


def _says(ending: str) -> Callable[[Trial], None]:
    def examine(trial: Trial) -> None:
        try:
            answer, is_unread, changed = trial.wait("answer")
        except Broken as broken:
            raise Broken(repr(ending), broken.got) from None
        if answer != ending:
            raise Broken(repr(ending), repr(answer))
        if is_unread:
            raise Broken("all that came to be read", "a part of it was not")
        if changed:
            raise Broken("the socket to be as it was", changed, rule=UNTOUCHED)

    return examine


def _lets_out(trial: Trial) -> None:
    try:
        answer, *_ = trial.wait("answer")
    except Broken as broken:
        if broken.got.startswith("OSError"):
            return
        raise Broken("OSError to come out", broken.got) from None
    raise Broken("OSError to come out", f"{answer!r} was returned")


def _ended(name: str, rule: int, said: bytes, ending: str) -> Probe:
    return Probe(name, rule, _says(ending), meet_an_end, (said, ending))


how_it_ended = Exercise(
    "how_it_ended",
    chapter="03",
    kind="warm-up",
    title="How did it end?",
    task="Write `how_it_ended(sock)`. It reads from a connected TCP socket until there is no more "
    "to come, and returns in one word how that was: `'FIN'`, `'RST'`, `'timeout'` or `'closed'`.",
    rules=(
        "`'FIN'`: the peer has finished sending, and all that it has sent has been read. That may "
        "be nothing, or 100,000 bytes; `how_it_ended` throws it away.",
        "`'RST'`: the peer has broken the connection off, whatever came before.",
        "`'timeout'`: nothing has come for as long as the socket's own timeout says, whatever came "
        "before, an empty line for instance. (The examiner has set one.)",
        "`'closed'`: this end itself is closed already: `OSError` with the number `errno.EBADF`.",
        "Any other `OSError` is no ending of a conversation: it comes out of the function as it "
        "is. (The examiner tries a socket that was never connected.)",
        "The socket is the caller's: it stays open, keeps its timeout, and nothing is sent through "
        "it, neither bytes nor FIN.",
    ),
    hints=(
        "A loop around `sock.recv`, and the loop stands inside a `try`. One of the four is no "
        "exception: which?",
        "`ConnectionResetError` and `TimeoutError` are kinds of `OSError`. Of several `except` "
        "clauses the first that fits is taken: so the general one comes last.",
        "`while sock.recv(65_536): pass`, then `return 'FIN'`. Behind it `except TimeoutError:`, "
        "`except ConnectionResetError:`, and `except OSError as error:` with "
        "`if error.errno != errno.EBADF: raise`.",
    ),
    probes=(
        _ended("FIN, at once", 1, b"", "FIN"),
        _ended("FIN behind some words", 1, b"bye\n", "FIN"),
        _ended("FIN behind 100,000 bytes", 1, bytes(100_000), "FIN"),
        _ended("RST", 2, b"", "RST"),
        _ended("RST behind some words", 2, b"I was just about t", "RST"),
        _ended("silence", 3, b"", "timeout"),
        _ended("silence behind some words", 3, b"wait a m", "timeout"),
        _ended("silence behind an empty line", 3, b"\n", "timeout"),
        _ended("a closed socket", 4, b"", "closed"),
        Probe("a socket that was never connected", 5, _lets_out, meet_an_end,
              (b"", "unconnected")),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- core: last words


def _goodbye(
    name: str, rule: int, examine: Callable[[Trial], None], timeout_s: float = LONG_S
) -> Probe:
    return Probe(name, rule, examine, take_leave, (LAST_WORDS, timeout_s))


_ANSWERS = _goodbye("a client who answers", 2, goodbyes.who_answers)

say_goodbye = Exercise(
    "say_goodbye",
    chapter="03",
    kind="core",
    title="Last words that arrive",
    task="Write `say_goodbye(sock, last_words, timeout_s)`. A server calls it when it has had "
    "enough of a client: `sock` is the connection as `accept` returned it (no timeout is set), "
    "`last_words` are at most 1,000 bytes, so `sendall` does not have to wait.",
    rules=(
        "The client receives `last_words`, and FIN right behind them; not RST, whatever it has "
        "said that nobody has read. The client may wait for FIN before it ends the conversation "
        "itself.",
        "Then the function waits for the client's end (`recv` returns `b''`). What the client says "
        "until then is read and thrown away, even 3 MB: no RST for one who still has something to "
        "say.",
        "The client does not get longer than `timeout_s` seconds for that, in all: neither if it "
        "is silent, nor if it says a byte now and then and never ends. (The examiner adds one "
        "second for a busy machine. When the time is up, RST is all right.)",
        "If the client has ended, before or meanwhile, the function does not wait: it returns at "
        "once. (`timeout_s` may be 60 seconds.) One who ended before hears the last words, too: "
        "it may have sent FIN only to say that its question is complete.",
        "If the client is gone before it is told, or vanishes meanwhile, nothing is raised: "
        "`sendall`, `shutdown` and `recv` may each raise an `OSError` then.",
        "When it returns, `sock` is closed in every case, and nothing else is left, no thread "
        "either.",
    ),
    hints=(
        "The three steps are in this chapter, under *2. RST*: say it, shut down the sending half, "
        "read until `b''`. `with sock:` around all of it closes in any case.",
        "`sock.settimeout(timeout_s)` is a limit for *each* `recv`, and one byte now and then "
        "makes it start anew. Note at the beginning when the time is up, "
        "`until = time.monotonic() + timeout_s`, and before each `recv` set what is left of it.",
        "`with sock, contextlib.suppress(OSError):`, for `TimeoutError` and `ConnectionError` are "
        "kinds of it, and what `shutdown` raises when the client is gone is a plain one. The loop: "
        "`while (left_s := until - time.monotonic()) > 0:`, in it `sock.settimeout(left_s)` and "
        "`if not sock.recv(65_536): break`.",
    ),
    probes=(
        _goodbye("a client who listens", 1, goodbyes.who_listens),
        _goodbye("a client whose words are unread", 1, goodbyes.whose_words_are_unread),
        _ANSWERS,
        _goodbye("a client who finishes first", 2, goodbyes.who_finishes_first),
        _goodbye("a client who has ended", 4, goodbyes.who_has_ended),
        _goodbye("a client who is silent", 3, goodbyes.who_is_silent, SHORT_S),
        _goodbye("a client who never ends", 3, goodbyes.who_never_ends, SHORT_S),
        _goodbye("a client who has left", 5, goodbyes.who_has_left),
        _goodbye("a client who has vanished", 5, goodbyes.who_has_vanished),
        _goodbye("a client who vanishes", 5, goodbyes.who_vanishes),
    ),
    converse=_ANSWERS,
)

EXERCISES = (how_it_ended, say_goodbye, stoppable_server, stop_probe)
