"""Exercises of chapter 04: threads meet in a list, in a room, and before a client who is silent."""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises import room_probes, rooms
from netlab.exercises.calls import Function
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.interleaved import Call, Pair, agree, interleave
from netlab.exercises.judges import judge_server
from netlab.exercises.member_probes import Model, answers_rightly, call_each, own_lists, two_rooms
from netlab.exercises.stoppable import serve_until_told
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict

# ---------------------------------------------------------------- warm-up


def _calls(name: str, rule: int, *calls: Call) -> Probe:
    return Probe(name, rule, answers_rightly, call_each, (calls,))


def _add(*names: str) -> tuple[Call, ...]:
    return tuple(("add", (name,)) for name in names)


def _remove(*names: str) -> tuple[Call, ...]:
    return tuple(("remove", (name,)) for name in names)


EVERYONE: Call = ("everyone", ())


def _at_once(name: str, *pairs: tuple[tuple[Call, ...], Call, Call]) -> Probe:
    """A probe of calls at the same time: what is called before, the first, the second."""
    found = tuple(Pair(before, first, second, EVERYONE) for before, first, second in pairs)
    return Probe(name, 4, agree, interleave, (Model, found))


(ADD_ANN,), (ADD_BEN,) = _add("ann"), _add("ben")
(REMOVE_ANN,), (REMOVE_BEN,) = _remove("ann"), _remove("ben")
THREE = _add("ann", "ben", "eve")

members = Exercise(
    "members",
    code_name="Members",
    chapter="04",
    kind="warm-up",
    title="Who is in the room?",
    task="Write the class `Members`, made with `Members()`: the names of those who are in a room. "
    "The threads of all clients call its three methods.",
    rules=(
        "`add(name)` makes the name a member and returns `True`. If it is a member already, "
        "nothing changes, and it returns `False`.",
        "`remove(name)` makes the name no member any more and returns `True`. If it is none, "
        "nothing changes, and it returns `False`; nothing is raised.",
        "`everyone()` returns the list of the names, in the order in which they came. The list "
        "belongs to the caller: changing it changes no member, and who comes later is not in it.",
        "Calls at the same time do what one after the other would, in either order. The examiner "
        "stops one thread between two steps of Python inside your method (it tries every place), "
        "and has another thread make a whole call meanwhile. If that call waits for a lock, the "
        "first thread goes on.",
        "An object is made by `Members()`, without arguments, and two have nothing in common: "
        "names and lock belong to the object, and are made in its `__init__(self)`.",
    ),
    hints=(
        "Begin without threads: a list in `self.names`, made in `__init__`, is enough for rules 1 "
        "to 3.",
        "Looking and acting have to be one step: one lock, and all three methods hold it.",
        "`self.lock = threading.Lock()` in `__init__`; in each method `with self.lock:` around "
        "everything; and `everyone` returns `self.names.copy()`, copied with the lock held.",
    ),
    probes=(
        _calls("they come", 1, *_add("ann", "ben", "ann"), EVERYONE),
        _calls("they go", 2, *_add("ann", "ben"), *_remove("ann", "ann", "eve"), EVERYONE),
        _calls("in the order in which they came", 3, *_add("eve", "ben", "ann"), *_remove("eve"),
               *_add("eve"), EVERYONE),
        Probe("a list of one's own", 3, answers_rightly, own_lists),
        Probe("two rooms", 5, answers_rightly, two_rooms),
        _at_once("two add the same name", ((), ADD_ANN, ADD_ANN)),
        _at_once("two remove the same name", (THREE, REMOVE_BEN, REMOVE_BEN)),
        _at_once("two who have nothing in common", ((), ADD_ANN, ADD_BEN),
                 (THREE, REMOVE_ANN, REMOVE_BEN), (THREE[1:], REMOVE_BEN, ADD_ANN),
                 (THREE[1:], ADD_ANN, REMOVE_BEN)),
        _at_once("one looks while others come and go", (THREE, EVERYONE, REMOVE_ANN),
                 (THREE[1:], EVERYONE, ADD_ANN), (THREE[1:], ADD_ANN, EVERYONE),
                 (THREE, REMOVE_ANN, EVERYONE)),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- core: a room


def _room(name: str, rule: int, examine: Callable[[Trial], None], restless: bool = False) -> Probe:
    return Probe(name, rule, examine, serve_until_told, (restless,))


chat_room = Exercise(
    "chat_room",
    code_name="ChatRoom",
    chapter="04",
    kind="core",
    title="A chat room that nobody can freeze",
    task="Write the class `ChatRoom`, a server with threads: `room = ChatRoom()`, `room.start()`, "
    "and at the end `room.stop()`. What it speaks is lines.",
    rules=(
        "`start()` returns as soon as clients can connect. Then `room.address` is "
        "`('127.0.0.1', port)`, with a port that the system has chosen.",
        r"A client who connects is in the room. It first receives the line `b'welcome\n'`, and "
        "then everything that is said from that moment on.",
        r"What a client says, a line of bytes with its `b'\n'`, goes unchanged to everyone in the "
        "room, the speaker too. Half a line waits for its other half, several may come at once, "
        "and the lines of two speakers never mix. (The examiner's lines have at most 60,000 bytes "
        "and need not be text.)",
        "Everyone hears all lines in the same order, even if several talk at the same time. (Here "
        "and in rule 5 the examiner stops your threads for a moment at any line of your code, so "
        "that others have their turn.)",
        "Who leaves (FIN: `recv` returns `b''`; or RST; in the middle of a line, too) costs nobody "
        "else anything, even if many come and go while others talk. Half a line that it leaves is "
        "forgotten; the room closes its side of the connection.",
        "A client that does not read makes nobody wait, neither those who talk nor those who join. "
        "Up to 100 lines wait for it, and when it reads again, it has missed nothing.",
        "When more than 120 lines wait for a client, the room ends its connection and keeps "
        "nothing more for it; the others notice nothing. (What happens between 100 and 120 is up "
        "to you. What the kernel holds for a client does not count.)",
        "`stop()` ends all connections and returns within 2 seconds, even with clients who are "
        "silent or do not read, or with none. Then no thread and no socket of the room is left, "
        "and connecting is refused.",
    ),
    hints=(
        "Three kinds of threads: one that accepts; for each client a reader, which has whole "
        r"lines (`sock.makefile('rb')`, or your reader of chapter 02); for each client a writer, "
        "which takes from its outbox, a `queue.Queue(100)`, and sends. What is common to all is "
        "a dictionary of outboxes.",
        "One lock, held while a newcomer is entered and while a line is put into *all* outboxes "
        "with `put_nowait`: that is the one order. Nothing that waits happens inside. When an "
        "outbox is full: `sock.shutdown(socket.SHUT_RDWR)`, which wakes that client's own threads; "
        "let its reader, and nobody else, remove the client and close the socket.",
        "`stop()`: `listener.shutdown(socket.SHUT_RDWR)` wakes `accept`; join that thread, and "
        "nobody joins any more. Then `shutdown` of every client's socket wakes a reader in `recv` "
        "and a writer in `sendall`; a writer in `outbox.get()` needs an empty message "
        "(`put_nowait(b'')`; if the outbox is full, it is in `sendall`). Each reader joins its "
        "writer and closes; `stop` joins the readers.",
    ),
    probes=(
        _room("it starts", 1, room_probes.it_starts),
        _room("one client", 2, room_probes.one_client),
        _room("three clients", 3, room_probes.three_clients),
        _room("bytes that are no text", 3, room_probes.no_text),
        _room("half a line", 3, room_probes.half_a_line),
        _room("one order for all", 4, room_probes.one_order, restless=True),
        _room("two who leave in the middle of a line", 5, room_probes.who_leave),
        _room("guests who come and go", 5, room_probes.come_and_go, restless=True),
        _room("one who pauses", 6, room_probes.one_who_pauses),
        _room("one who does not read", 6, room_probes.one_who_does_not_read),
        _room("stop an empty room", 8, room_probes.stop_an_empty_room),
        _room("stop after some have left", 8, room_probes.stop_after_some_left),
        _room("stop a full room", 8, room_probes.stop_a_full_room),
    ),
    converse=_room("three clients", 3, room_probes.three_clients),
)

# ---------------------------------------------------------------- red team

PROBE_S = 3.0
"""seconds that a probe of the learner's may take"""


def _accused(name: str, rule: int, room: Function, fault: str = "") -> Probe:
    examine = verdict(fault, praise="it is correct", late_rule=5, timeout_s=PROBE_S)
    return Probe(name, rule, examine, judge_server, (room,))


freeze_probe = Exercise(
    "freeze_probe",
    chapter="04",
    kind="red-team",
    title="Red team: find the room that one client freezes",
    task="Somebody's chat rooms speak as yours does: a client first receives the line "
    r"`b'welcome\n'`, then every line that anybody says, its own too. Write "
    "`freeze_probe(address)`: it talks to the room at `address`, with several clients if it likes, "
    "and raises `AssertionError` if a client who reads nothing silences the others.",
    rules=(
        "It raises `AssertionError`, and not `TimeoutError`, for a room that freezes when one of "
        "its clients does not read. It freezes when the kernel holds no more for that client: "
        "after 2 to 5 megabytes. A line may have 60,000 bytes; 200 of them are certainly enough.",
        "There are two such rooms: in one the speakers wait, too; in the other one they can say "
        "what they like, and nobody hears it.",
        "It raises nothing for a correct room. That room drops a client for whom more than 20 "
        "lines wait: the silent one, and every client of yours that sends much and reads nothing.",
        "It raises nothing for a correct room that takes its time: a few lines come in several "
        "pieces, and one of them 0.2 seconds late; the others come at once. (If there is silence "
        "for 0.5 seconds, it is frozen.)",
        "It is done (returns or raises) within 3 seconds; a frozen room keeps its connections "
        "open.",
    ),
    hints=(
        "Two clients are enough: one that connects, reads its welcome, and then nothing more; "
        "another that talks. What does the second one hear while all is well?",
        "Say one line, then read until you have heard it, and only then say the next. If it does "
        "not come, the room is frozen. `sock.makefile('rb').readline()` reads until the newline.",
        "`socket.create_connection(address, timeout=0.5)` for the one who talks, a loop of 200 "
        "lines, and `except TimeoutError: raise AssertionError(…) from None` around it.",
    ),
    probes=(
        _accused("the room that freezes", 1, rooms.freezing_room, "this room freezes"),
        _accused("the room in which nobody is heard", 2, rooms.one_writer_room,
                 "this room freezes"),
        _accused("a correct room", 3, rooms.correct_room),
        _accused("a correct room that takes its time", 4, rooms.leisurely_room),
    ),
)  # fmt: skip

EXERCISES = (members, chat_room, freeze_probe)
