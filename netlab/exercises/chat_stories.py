"""What people do in a learner's chat, and what they must hear: alike over all transports."""

from __future__ import annotations

from netlab.exercises.chat_people import Message, Person, Stage
from netlab.exercises.chat_rules import HISTORY, MAX_CONTENT_BYTES, MAX_NAME


def welcome(stage: Stage) -> None:
    """Two come and are greeted."""
    ann, bob = stage.people("ann", "bob")
    for person in (ann, bob):
        person.say("ping")
        person.answered("pong")
    ann.send({"type": "ping"})
    ann.hear("pong")


def conversation(stage: Stage) -> None:
    """Three talk in a room."""
    ann, bob, cleo = stage.people("ann", "bob", "cleo")
    ann.joins("hall", 1)
    bob.joins("hall", 2, ann)
    ann.tells("hall", "hello", bob)
    bob.tells("hall", "hello ann", ann)
    cleo.joins("hall", 3, ann, bob)
    cleo.tells("hall", "it is me", ann, bob)
    for person in (ann, bob, cleo):
        person.hears_nothing()


def names(stage: Stage) -> None:
    """Names are taken, refused and changed."""
    ann, bob = stage.people("ann", "bob")
    _called(ann, " Zoë\t", "Zoë")
    bob.refused("set_username", username="zOË")
    _called(ann, "ZOË", "ZOË")
    for bad in ("", "  ", "x" * (MAX_NAME + 1), "two\nlines"):
        bob.refused("set_username", username=bad)
    _called(bob, "é" * MAX_NAME, "é" * MAX_NAME)
    ann.joins("names", 1)
    bob.joins("names", 2, ann)
    ann.tells("names", "who am I?", bob)
    _called(ann, "Ann of netlab", "Ann of netlab")
    _called(bob, "zoë", "zoë")
    bob.tells("names", "and I?", ann)


def freed(stage: Stage) -> None:
    """A name is free when its owner has vanished."""
    ann, bob = stage.people("ann", "bob")
    _called(ann, "Ada of netlab", "Ada of netlab")
    ann.joins("short stay", 1)
    bob.joins("short stay", 2, ann)
    ann.link.tcp.reset()
    bob.hears_leaving("short stay", ann)
    _called(bob, "ada of netlab", "ada of netlab")


def _called(person: Person, name: str, called: str) -> None:
    person.say("set_username", username=name)
    person.answered("username_set", username=called)
    person.username = called


def outsiders(stage: Stage) -> None:
    """Who is in another room neither speaks nor listens here."""
    ann, bob, cleo = stage.people("ann", "bob", "cleo")
    ann.joins("inside", 1)
    bob.joins("inside", 2, ann)
    cleo.joins("elsewhere", 1)
    cleo.refused("room_message", room="inside", content="let me in")
    cleo.refused("leave_room", room="inside")
    cleo.refused("room_message", room="nowhere", content="is anybody there?")
    ann.tells("inside", "we are alone", bob)
    cleo.hears_nothing()
    cleo.tells("elsewhere", "so am I")
    for person in (ann, bob):
        person.hears_nothing()


def twice(stage: Stage) -> None:
    """To join twice is to be a member once."""
    ann, bob = stage.people("ann", "bob")
    ann.joins("once", 1)
    bob.joins("once", 2, ann)
    bob.joins("once", 2)
    ann.tells("once", "are you here twice?", bob)
    bob.hears_nothing()
    bob.say("leave_room", room="once")
    bob.answered("room_left", room="once")
    ann.hears_leaving("once", bob)
    ann.hears_nothing()
    bob.refused("room_message", room="once", content="am I still here?")


def past(stage: Stage) -> None:
    """A newcomer is shown what was said, until everybody has left."""
    ann, bob = stage.people("ann", "bob")
    ann.joins("past", 1)
    for number in range(1, HISTORY + 4):
        with stage.trial.in_silence():
            ann.tells("past", f"message {number}")
    stage.trial.note(f"ann says {HISTORY + 3} things to the room")
    joined = bob.joins("past", 2, ann)
    _shows(stage, bob, joined, [f"message {number}" for number in range(4, HISTORY + 4)], ann)
    ann.say("leave_room", room="past")
    ann.answered("room_left", room="past")
    bob.hears_leaving("past", ann)
    bob.say("leave_room", room="past")
    bob.answered("room_left", room="past")
    _shows(stage, ann, ann.joins("past", 1), [], ann)


def _shows(stage: Stage, to: Person, joined: Message, contents: list[str], of: Person) -> None:
    history = joined["message_history"]
    got = [one.get("content") if isinstance(one, dict) else one for one in history]
    if got != contents:
        wanted = f"a message_history of {stage.shown(contents)}"
        raise to.failed(wanted, f"{stage.shown(got)}")
    for one in history:
        for field, value in (("room", joined["room"]), ("from", of.username), ("from_id", of.id)):
            if one.get(field) != value:
                wanted = f"a message_history with {field!r} {stage.shown(value)} in it"
                raise to.failed(wanted, f"{stage.shown(one.get(field), field)}")


def leaving(stage: Stage) -> None:
    """One leaves a room, and stays in another."""
    ann, bob = stage.people("ann", "bob")
    for room in ("one", "two"):
        ann.joins(room, 1)
        bob.joins(room, 2, ann)
    bob.say("leave_room", room="one")
    bob.answered("room_left", room="one")
    ann.hears_leaving("one", bob)
    bob.refused("leave_room", room="one")
    ann.tells("one", "is bob gone?")
    bob.hears_nothing()
    bob.tells("two", "not quite", ann)
    bob.joins("one", 2, ann)


def vanishing(stage: Stage) -> None:
    """Two connections end, one by RST, one in order."""
    ann, bob, cleo = stage.people("ann", "bob", "cleo")
    for room in ("first", "second"):
        ann.joins(room, 1)
    bob.joins("first", 2, ann)
    cleo.joins("second", 2, ann)
    bob.link.tcp.reset()
    ann.hears_leaving("first", bob)
    cleo.link.tcp.leave()
    ann.hears_leaving("second", cleo)
    dora = stage.person("dora")
    dora.joins("first", 2, ann)
    ann.hears_nothing()
    dora.refused("private_message", target=bob.id, content="where are you?")


def private(stage: Stage) -> None:
    """What is said to one, nobody else hears."""
    ann, bob, cleo = stage.people("ann", "bob", "cleo")
    _called(bob, "Bob of netlab", "Bob of netlab")
    for number, person in enumerate((ann, bob, cleo), 1):
        person.joins("open", number, *(ann, bob)[: number - 1])
    for target in (bob.id, "Bob of netlab", "bob of NETLAB"):
        _whispers(ann, bob, target, "psst")
    cleo.hears_nothing()
    ann.refused("private_message", target="nobody of netlab", content="hello?")
    for person in (bob, cleo):
        person.hears_nothing()


def _whispers(sender: Person, hearer: Person, target: str, content: str) -> None:
    sender.say("private_message", target=target, content=content)
    sent = {"to": hearer.username, "to_id": hearer.id, "content": content}
    sender.answered("private_message_sent", **sent)
    said = {"from": sender.username, "from_id": sender.id, "content": content}
    hearer.hear("private_message", **said)


def eavesdropping(stage: Stage) -> None:
    """A room is called like somebody, by id and by name."""
    ann, bob, eve = stage.people("ann", "bob", "eve")
    for room in (bob.id, bob.username):
        eve.say("join_room", room=room)
        if eve.next_message("room_joined, or error")["type"] == "room_joined":
            stage.trial.note(f"eve joins a room that is called like {stage.shown(room)}")
        else:
            stage.trial.note(f"eve may not join a room called like {stage.shown(room)}")
    _whispers(ann, bob, bob.id, "for bob alone")
    _whispers(ann, bob, bob.username, "and this")
    eve.hears_nothing()


_NONSENSE: tuple[tuple[str, Message], ...] = (
    ("no_such_type", {}),
    ("join_room", {}),
    ("join_room", {"room": 5}),
    ("join_room", {"room": None}),
    ("join_room", {"room": ["hall"]}),
    ("join_room", {"room": " "}),
    ("room_message", {"room": "sense"}),
    ("room_message", {"room": "sense", "content": 7}),
    ("room_message", {"room": {}, "content": "hi"}),
    ("private_message", {"content": "hi"}),
    ("private_message", {"target": ["bob"], "content": "hi"}),
    ("set_username", {"username": True}),
)


def nonsense(stage: Stage) -> None:
    """Requests that cannot be understood change nothing."""
    ann, bob = stage.people("ann", "bob")
    ann.joins("sense", 1)
    bob.joins("sense", 2, ann)
    for kind, fields in _NONSENSE:
        stage.trial.tally()
        ann.refused(kind, **fields)
    bob.hears_nothing()
    ann.send({"type": "room_message", "room": "sense", "content": "hi", "mood": ["good", None]})
    for person in (ann, bob):
        person.hear("room_message", room="sense", content="hi")


def content(stage: Stage) -> None:
    """Texts arrive as they were, up to the limit."""
    ann, bob = stage.people("ann", "bob")
    ann.joins("texts", 1)
    bob.joins("texts", 2, ann)
    longest = "é" * (MAX_CONTENT_BYTES // 2)
    odd = 'two\nlines, "quotes", \\n, \u2028, \x00, 🙂, </script>, {"type": "ping"}'
    for content in (odd, " ", longest, "x" * MAX_CONTENT_BYTES):
        stage.trial.tally()
        ann.tells("texts", content, bob)
    for content in (longest + "x", "x" * (MAX_CONTENT_BYTES + 1)):
        stage.trial.tally()
        ann.refused("room_message", room="texts", content=content)
        ann.refused("private_message", target=bob.id, content=content)
    bob.hears_nothing()
