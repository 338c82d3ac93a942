"""What many people do at once in a learner's chat, or one who does not listen."""

from __future__ import annotations

from netlab.exercises.chat_people import Message, Stage
from netlab.exercises.chat_rules import HISTORY, MAX_CONTENT_BYTES
from netlab.exercises.words import Broken

CROWD = 12
"""people who come and go at once"""
ASKED_AGAIN = 200
"""answers, of 200 KB each at most, that one who never reads asks for"""
EACH = 10
"""messages that each of three people says at the same time"""


def order(stage: Stage) -> None:
    """Three speak at once, and all hear the same."""
    people = stage.people("ann", "bob", "cleo")
    for number, person in enumerate(people, 1):
        person.joins("babel", number, *people[: number - 1])
    stage.trial.note(f"all three say {EACH} things to the room at the same time")
    for number in range(EACH):
        for person in people:
            person.transmit(_said("babel", f"{person.name} {number}"))
    heard = []
    for person in people:
        what = f"{3 * EACH} room_messages"
        heard.append([person.next_message(what).get("content") for _ in range(3 * EACH)])
    for person, contents in zip(people, heard, strict=True):
        for one in people:
            own = [content for content in contents if str(content).startswith(one.name)]
            if own != [f"{one.name} {number}" for number in range(EACH)]:
                raise Broken(f"{person.name} to hear {one.name}'s messages in order", f"{own}")
        if contents != heard[0]:
            raise Broken(f"{person.name} to hear what ann hears, in that order", "another order")


def _said(room: str, content: str) -> Message:
    return {"type": "room_message", "room": room, "content": content}


def never_reads(stage: Stage) -> None:
    """One asks for much and reads nothing; the others talk."""
    ann, slow = stage.people("ann", "slow")
    ann.joins("crowded", 1)
    for number in range(HISTORY):
        with stage.trial.in_silence():
            ann.tells("crowded", f"{number:02} ".ljust(MAX_CONTENT_BYTES, "x"))
    stage.trial.note(f"ann says {HISTORY} things of {MAX_CONTENT_BYTES:,} bytes to the room")
    slow.joins("crowded", 2, ann)
    slow.link.stop_reading()
    stage.trial.note(f"slow joins the room {ASKED_AGAIN} times more, and reads none of the answers")
    try:
        for _ in range(ASKED_AGAIN):
            slow.transmit({"type": "join_room", "room": "crowded"})
    except Broken:  # nothing more fits, or it hung up: either is an answer
        pass
    following = stage.person("next")
    for content in ("does anybody read?", "and now?"):  # the first may be what gets stuck
        ann.say("room_message", room="crowded", content=content)
        message = ann.next_message("room_message of its own")
        if message["type"] == "user_left":  # the server has ended slow's connection
            message = ann.next_message("room_message of its own")
        if message.get("content") != content:
            raise ann.failed("room_message of its own", stage.in_words(message))
        following.hears_nothing()


def storm(stage: Stage) -> None:
    """Many join and vanish at once."""
    ann = stage.person("ann")
    ann.joins("station", 1)
    with stage.trial.in_silence():
        crowd = stage.people(*(f"passer-by {number}" for number in range(1, CROWD + 1)))
        for person in crowd:
            person.transmit({"type": "join_room", "room": "station"})
            ann.hear("user_joined", client_id=person.id)
        for number, person in enumerate(crowd):
            person.link.tcp.reset(wait=False) if number % 3 == 2 else person.link.tcp.leave()
    stage.trial.note(f"{CROWD} people join the room and go at once, every third by RST")
    stage.trial.tally(CROWD)
    left = {ann.next_message(f"{CROWD} times user_left").get("client_id") for _ in crowd}
    if left != {person.id for person in crowd}:
        raise ann.failed(f"user_left of each of the {CROWD}", "others")
    ann.joins("station", 1)
