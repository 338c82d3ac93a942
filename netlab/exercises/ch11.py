"""Exercises of chapter 11: Socket.IO's packets, who is here, and who may listen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netlab.exercises import presence_probes as presences
from netlab.exercises.accused_tables import (
    lets_anybody_speak,
    looks_too_late,
    one_dictionary,
    refusing_tables,
    tables,
)
from netlab.exercises.cases import agree_on_calls, run_calls
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.packet_reading import read_packets_rightly
from netlab.exercises.peers_ch11 import judge_tables, serve_events
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict

# ---------------------------------------------------------------- warm-up: packets


def _reads(name: str, rule: int, *bodies: str) -> Probe:
    cases = tuple((body,) for body in bodies)
    return Probe(name, rule, agree_on_calls, run_calls, (read_packets_rightly, cases))


read_packets = Exercise(
    "read_packets",
    chapter="11",
    kind="warm-up",
    title="What the poll brought",
    task="Write `read_packets(body)`, which reads the body of a polling answer, a `str`, and "
    "returns the list of its packets, each as a tuple of four: name, namespace, number, data.",
    rules=(
        r"The body holds one packet or several, with the character `\x1e` between two.",
        "A packet begins with Engine.IO's type, a digit. For all but messages the tuple is a word "
        "(0 `open`, 1 `close`, 2 `ping`, 3 `pong`, 5 `upgrade`, 6 `noop`), `None`, `None`, and "
        "the rest of the packet as a `str`.",
        "4 is a message. Behind it stands Socket.IO's type, and the tuple's name is its word: "
        "0 `CONNECT`, 1 `DISCONNECT`, 2 `EVENT`, 3 `ACK`, 4 `CONNECT_ERROR`.",
        "Then may come, in this order: a namespace, which begins with `/` and ends before the next "
        "comma (that comma is no part of anything), or at the end of the packet if there is none; "
        "a number, in digits; data, in JSON. What is not there is `'/'`, `None` and `None`.",
        "`ValueError` if there is anything that is none of these packets: an empty one, another "
        "type (5 and 6 of Socket.IO, too), something that is no JSON, an `EVENT` whose data is no "
        "list that begins with a `str`, an `ACK` without a number or whose data is no list.",
    ),
    hints=(
        "Write `read_packet(text)` for one packet, and call it for each of `body.split(…)`.",
        "Cut off what you have understood, from the left: the types, then the namespace, then the "
        "digits. What is left is data, or nothing.",
        "`re.fullmatch(r'4([0-4])(?:(/[^,]*)(?:,|$))?(\\d+)?(.*)', text, re.DOTALL)` cuts all "
        "four. `json.loads` raises a `ValueError` by itself.",
    ),
    probes=(
        _reads("an event", 3, '42["hello"]', '42["hello",{"a":1}]', '42["hello",1,[2]]'),
        _reads("others of its kind", 3, '40{"sid":"a1"}', "40", "41", '44{"message":"no"}',
               '44"no"'),
        _reads("several packets", 1, '40{"sid":"a1"}\x1e42["hello"]', '2\x1e42["a"]\x1e6',
               '42["a","b\\u001ec"]\x1e41'),
        _reads("Engine.IO's own", 2, "2", "3probe", "6", "1", '0{"sid":"a1"}', "5"),
        _reads("namespaces", 4, "40/staff,", "40/staff", '42/staff,["hello"]',
               '44/staff,{"message":"no"}', '40/staff,{"token":"x"}', "41/a/b,"),
        _reads("numbers", 4, '427["hello"]', "430[]", '4312[{"ok":true}]',
               '42/staff,10["hello"]'),
        _reads("commas and slashes in the data", 4, '42["a,b"]', '42["/a,b"]', '42/c,["a,/b"]',
               '427["1,2"]'),
        _reads("packets that are none", 5, "", '42["a"]\x1e', "7", "x", "4", "49", '45["a"]',
               "42", "42[]", "42{}", '42"a"', "42[1]", '42["a"', "427", '43["a"]', "437", '437{}',
               "40{", "42/staff"),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- core: presence


def _presence(name: str, rule: int, examine: Callable[[Trial], None]) -> Probe:
    return Probe(name, rule, examine, serve_events)


presence = Exercise(
    "presence",
    chapter="11",
    kind="core",
    title="Who is here?",
    task="Write `presence(sio)`. It is called once, with a `socketio.AsyncServer`, and registers "
    "handlers for `connect`, `disconnect` and `say`.",
    rules=(
        'A client brings its name with CONNECT: `auth` is `{"name": …}`, a text of 1 to 20 '
        "characters that are not all blank. Who brings none is refused "
        "(`socketio.exceptions.ConnectionRefusedError`), and nobody hears of it.",
        'Who comes in is sent the event `here` with `{"names": […]}`: the names of all who are '
        "here, its own, too, each once, sorted.",
        "One person may have several connections (a laptop and a phone), all with the same name. "
        'All other connections hear `came` with `{"name": …}` when the first of them is there, '
        "and `left` when the last has gone, and nothing in between.",
        'The event `say` brings `{"text": …, "ref": …}`: a text of 1 to 500 characters that are '
        "not all blank, and a ref, any text of 1 to 100 characters. All connections but the one "
        'that spoke hear `said` with `{"name": …, "text": …}`, and the speaker is acknowledged '
        'with `{"ok": true}`. The name is the one that it came with, whatever else it sends.',
        "A client that got no acknowledgement says the same again, perhaps over a new connection. "
        'A ref that this person has used before is acknowledged with `{"ok": true}`, and nobody '
        "hears anything. Other people's refs have nothing to do with it. (You need remember only "
        "the last hundred of a person.)",
        'What is no such `say`, even without an object at all, is acknowledged with `{"ok": '
        "false}`. Nobody hears it, and the connection goes on.",
    ),
    hints=(
        "Two dictionaries: the name of each `sid`, and the refs of each name. `connect(sid, "
        "environ, auth)` may `await sio.emit('here', …, to=sid)`; `skip_sid=sid` leaves one out.",
        "Is she new? Look whether the name is among the *values*, before you add it; and in "
        "`disconnect`, after you have removed it.",
        "What a handler of `say` returns is the acknowledgement. `async def say(sid, data=None)` "
        "also takes the one that brings nothing. Remember the ref before you emit.",
    ),
    probes=(
        _presence("somebody comes", 2, presences.comes),
        _presence("somebody leaves", 3, presences.leaves),
        _presence("something is said", 4, presences.says),
        _presence("without a name", 1, presences.nameless),
        _presence("a second connection", 3, presences.second_tab),
        _presence("one of two connections ends", 3, presences.closed_tab),
        _presence("her own phone", 4, presences.own_phone),
        _presence("somebody pretends", 4, presences.pretends),
        _presence("said again", 5, presences.says_again),
        _presence("said again, over a new connection", 5, presences.says_again_elsewhere),
        _presence("two people, one ref", 5, presences.same_ref),
        _presence("requests that make no sense", 6, presences.nonsense),
        _presence("a storm of guests", 3, presences.storm),
    ),
    preload=("asyncio", "netlab.exercises.peers_ch11", "uvicorn.lifespan.off"),
)

# ---------------------------------------------------------------- red team: strangers


def _accuses(name: str, rule: int, accused: Callable[[Any], None], fault: str = "") -> Probe:
    praise = "" if fault else "strangers neither hear nor say anything at this server's tables"
    examine = verdict(fault, praise=praise, late_rule=5, timeout_s=5.5)
    return Probe(name, rule, examine, judge_tables, (accused,))


stranger_probe = Exercise(
    "stranger_probe",
    chapter="11",
    kind="red-team",
    title="A stranger at the table",
    task="Write `async def stranger_probe(url)`, a test of a Socket.IO server with tables. Its "
    "events, all acknowledged: `open_table` with `{}` opens a table, at which its client sits "
    '(`{"ok": true, "table": …, "key": …}`); `sit` with `{"table": …, "key": …}` sits down at '
    'it; `join_room` with `{"room": …}` joins a room of the chat, of any name; `say` with '
    '`{"table": …, "text": …}` is heard by the others at the table, as the event `said` with '
    '`{"text": …}`. Whatever is refused is acknowledged with `{"ok": false}`.',
    rules=(
        "A stranger is a client that sits at no table: it knows the name of one, but no key. If "
        "there is a way for a stranger to **hear** what is said at a table, raise "
        "`AssertionError`.",
        "The same if there is a way for a stranger to **say** something at a table.",
        "If a server keeps strangers out, raise nothing. It may refuse a room of the chat that is "
        "called like a table, or let you in there, where nothing is said.",
        "Who has the key is no stranger, and must be let in.",
        "It is done within 5 seconds, and leaves no connection open.",
    ),
    hints=(
        "`socketio.AsyncSimpleClient` has `connect(url)`, `call(event, data)` (which returns the "
        "acknowledgement), `receive(timeout=…)` and `disconnect()`. Two of them: Ann, who opens a "
        "table, and Mallory.",
        "Mallory tries everything: she joins a room that is called like the table, she sits down "
        "with a wrong key. An acknowledgement that says no does not prove that it was not done. "
        "Then Ann says something.",
        "`receive` raises `socketio.exceptions.TimeoutError` if nothing comes: half a second is "
        "enough. And the other way round: Mallory says something. Does Ann receive it?",
    ),
    probes=(
        _accuses("chat and tables are one", 1, one_dictionary, "a stranger hears the table"),
        _accuses("a look that comes too late", 1, looks_too_late, "a stranger hears the table"),
        _accuses("anybody may speak", 2, lets_anybody_speak, "the table hears a stranger"),
        _accuses("a correct server", 3, tables),
        _accuses("a correct server that refuses rooms", 3, refusing_tables),
    ),
    preload=("asyncio", "aiohttp", "netlab.exercises.peers_ch11", "uvicorn.lifespan.off"),
)

EXERCISES = (read_packets, presence, stranger_probe)
