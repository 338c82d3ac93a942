"""Exercises of chapter 02: frames, whatever the cuts."""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises.accused_readers import ForgetfulReader, PlainReader, ThriftyReader
from netlab.exercises.cases import agree, agree_on_calls, run_calls, run_cases
from netlab.exercises.conditions import bytewise, coalesced, cut_characters, every_split
from netlab.exercises.frame_drivers import (
    FLOOD_LIMIT,
    LIMIT,
    decode,
    decode_rightly,
    encode,
    encode_rightly,
    flood,
    read,
    read_rightly,
    split,
)
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.judges import judge_one
from netlab.exercises.shrink import Pieces
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict
from netlab.exercises.words import Broken

# ---------------------------------------------------------------- warm-up


def _splits(name: str, rule: int, *cases: Pieces) -> Probe:
    # Two arguments stay two: a case made shorter would be another call.
    return Probe(name, rule, agree_on_calls, run_calls, (split, cases))


split_lines = Exercise(
    "split_lines",
    chapter="02",
    kind="warm-up",
    title="A line, and what is left over",
    task="Write `split_lines(tail, data)`. `tail` is what was left over the last time, `data` is "
    "what `recv` has returned now. It returns a pair: the list of the lines that are complete, and "
    "the new tail.",
    rules=(
        r"A line ends at `b'\n'`, which does not belong to it. Lines are `bytes`, in order.",
        r"The tail is what follows the last `b'\n'`: `b''` if nothing does.",
        "The old tail is the beginning of the first line.",
        "An empty line is a line: `b''`.",
    ),
    hints=(
        "Put the two together first: what is to be split is `tail + data`.",
        r"`b'a\nb'.split(b'\n')` is `[b'a', b'b']`. What is the last element, always?",
        r"`*lines, tail = (tail + data).split(b'\n')` takes all but the last into a list.",
    ),
    probes=(
        _splits("one whole line", 1, (b"", b"hello\n")),
        _splits("two lines at once", 1, (b"", b"hello\nworld\n")),
        _splits("half a line", 2, (b"", b"hel"), (b"", b"one\ntw")),
        _splits("the other half", 3, (b"hel", b"lo\n"), (b"tw", b"o\nthree\nfo")),
        _splits("no newline, twice", 3, (b"he", b"ll")),
        _splits("empty lines", 4, (b"", b"\n\na\n\n"), (b"a", b"\n")),
        _splits("nothing", 2, (b"", b""), (b"rest", b"")),
    ),
)

# ---------------------------------------------------------------- core: lines with a limit


def _little_is_kept(trial: Trial) -> None:
    trial.note(f"it is given 20 MB without a newline; the limit is {FLOOD_LIMIT:,} bytes")
    too_much, then = trial.wait("answer", 10.0)
    if too_much:
        raise Broken("at most a megabyte to be kept", "more than a megabyte is kept")
    trial.note(r"it is given b'x\nnext\n'")
    if not isinstance(then, list) or then[-1:] != [b"next"]:
        raise Broken("b'next', the line behind the one that was too long", repr(then), rule=4)


def _reads(name: str, rule: int, *cases: Pieces) -> Probe:
    return Probe(name, rule, agree, run_cases, (read, read_rightly, cases))


frame_reader = Exercise(
    "frame_reader",
    code_name="FrameReader",
    chapter="02",
    kind="core",
    title="A reader for every cut",
    task="Write the class `FrameReader`. One is made for each connection, with "
    "`FrameReader(max_frame_bytes)`; `feed(data)` gets what `recv` returned; `end()` is called "
    "once, when no more bytes come.",
    rules=(
        r"`feed` returns the list of the lines that are complete now, as `bytes`, without their "
        r"`\n`, in order; `[]` if there is none.",
        "The lines are the same wherever the stream was cut: in the middle of a line, of a "
        "character, or not at all.",
        "An empty line is a line: `b''`.",
        r"In the place of a line of more than `max_frame_bytes` bytes (the `\n` not counted) there "
        r"is one `None`, and reading goes on behind its newline.",
        "Of a line that is too long nothing is kept, even if it never ends: at most a megabyte, "
        "with a limit of 65,536 bytes.",
        "`end()` returns how many bytes of an unfinished line were left over: 0 if there were "
        "none. (The examiner does not ask in the middle of a line that is too long.)",
    ),
    hints=(
        "Begin with the warm-up: `self.tail`, and one `split`. That is rules 1 to 3.",
        "For rule 5 you need a second thing to remember: *I am inside a line that is too long.* "
        "While that is so, forget everything up to the next newline.",
        "For each complete piece: if you were skipping, stop skipping, and the line has been "
        "reported already; else report it, or `None`. For the rest behind the last newline: if it "
        "is longer than the limit, report `None`, forget it, and start skipping.",
    ),
    probes=(
        _reads("one line, in one piece", 1, (b"hello\n",)),
        _reads("several lines in one piece", 1, coalesced((b"one\n", b"two\n", b"three\n"))),
        _reads("every split", 2, *every_split(b"hello\nworld\n")),
        _reads("one byte at a time", 2, bytewise(b"hello\nworld\n")),
        _reads("characters cut in half", 2, *cut_characters("é\nü€\n")),
        _reads("empty lines", 3, (b"\n\na\n\n",), (b"\n", b"\n")),
        _reads("as long as the limit", 4, *every_split(b"12345678\nab\n")),
        _reads("one byte too long", 4, *every_split(b"ok\n123456789\nnext\n")),
        _reads("too long, one byte at a time", 4, bytewise(b"ok\n" + b"x" * 30 + b"\nnext\n")),
        Probe("a line that never ends", 5, _little_is_kept, flood),
        _reads("the end in the middle", 6, (b"hello\nwor",), (b"hel", b"l"), (b"",)),
    ),
)

# ---------------------------------------------------------------- core: the length first


def _encodes(name: str, rule: int, *frames: bytes) -> Probe:
    cases = tuple((frame,) for frame in frames)
    return Probe(name, rule, agree, run_cases, (encode, encode_rightly, cases))


def _decodes(name: str, rule: int, *cases: Pieces) -> Probe:
    return Probe(name, rule, agree, run_cases, (decode, decode_rightly, cases))


_TWO = b"\x00\x00\x00\x03a\nb" + b"\x00\x00\x00\x00" + b"\x00\x00\x00\x02\x00\x00"

length_codec = Exercise(
    "length_codec",
    code_name="LengthCodec",
    chapter="02",
    kind="core",
    title="The length first",
    task="Write the class `LengthCodec`, made with `LengthCodec(max_frame_bytes)`. "
    "`encode(frame)` returns what goes over the wire; `feed(data)` gets what `recv` returned.",
    rules=(
        "A frame on the wire is its length in four bytes, most significant first, and then the "
        "frame itself.",
        "`encode` raises `ValueError` for a frame of more than `max_frame_bytes` bytes.",
        "`feed` returns the list of the frames that are complete now, in order; `[]` if there is "
        "none.",
        "The frames are the same wherever the stream was cut, inside the four bytes, too.",
        "A frame may contain any bytes, and it may be empty.",
        "`feed` raises `ValueError` as soon as the four bytes announce more than "
        "`max_frame_bytes`; it does not wait for what they announce.",
    ),
    hints=(
        "`len(frame).to_bytes(4)` and `int.from_bytes(four_bytes)`; most significant first is the "
        "default since Python 3.11.",
        "Keep a buffer. As long as it has four bytes, look at the length; as long as it also has "
        "the frame, cut it off the front.",
        "It is a `while` loop: one piece may complete several frames. Compare the length with the "
        "limit *before* you look whether the frame is there.",
    ),
    probes=(
        _encodes("encode", 1, b"hello", b"\n"),
        _encodes("encode nothing", 5, b""),
        _encodes("encode as much as the limit, and one more", 2, b"x" * LIMIT, b"x" * (LIMIT + 1)),
        _decodes("one frame", 3, (b"\x00\x00\x00\x05hello",)),
        _decodes("several frames in one piece", 3, (_TWO,)),
        _decodes("every split", 4, *every_split(_TWO)),
        _decodes("one byte at a time", 4, bytewise(_TWO)),
        _decodes("as long as the limit", 3, (b"\x00\x00\x00\x08" + b"x" * LIMIT,)),
        _decodes("a browser calls", 6, (b"GET / HTTP/1.1\r\n",)),
        _decodes("a length that is too long, and nothing else", 6, (b"\x00\x00\x00\x09",)),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- red team


def _judged(name: str, rule: int, make: Callable[[], object], fault: str = "") -> Probe:
    return Probe(name, rule, verdict(fault, praise="this reader is correct"), judge_one, (make,))


reader_probe = Exercise(
    "reader_probe",
    chapter="02",
    kind="red-team",
    title="Red team: the reader that forgets the middle",
    task="Somebody's reader of lines passes when a stream is cut in two, at any place. It keeps "
    "the tail; but when another piece without a newline follows, that piece *replaces* the tail. "
    "Write `reader_probe(make_reader)`, which raises `AssertionError` for such a reader.",
    rules=(
        "`make_reader()` returns a new reader each time; its `feed(data)` returns the list of the "
        "lines that are complete now.",
        "For a correct reader nothing is raised.",
        "For the reader that forgets, `AssertionError` is raised.",
    ),
    hints=(
        "How many pieces must one line have, so that something is replaced?",
        "Three at least: a beginning, a middle without a newline, an end.",
        "Feed a line one byte at a time, collect what `feed` returns, and `assert` that it is "
        "that line.",
    ),
    probes=(
        _judged("the reader that forgets", 3, ForgetfulReader, "this reader loses bytes"),
        _judged("a correct reader", 2, PlainReader),
        _judged("another correct reader", 2, ThriftyReader),
    ),
)

EXERCISES = (split_lines, frame_reader, length_codec, reader_probe)
