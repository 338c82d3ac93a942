"""A chat on trial: its probes, whatever carries it.

A trial of a chat has `chat_rules.RULES` after its first rule, which says how messages travel, and
the probes that `probes` makes; what is its transport's own comes besides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netlab.exercises import chat_crowds as crowds
from netlab.exercises import chat_stories as stories
from netlab.exercises.chat_people import Person, Stage
from netlab.exercises.chat_rules import (
    CONTENT,
    JOIN,
    LEAVE,
    NAMES,
    PAST,
    PATIENCE,
    PRIVATE,
    REQUESTS,
    SPEAK,
    WELCOME,
)
from netlab.exercises.grade import Probe
from netlab.exercises.peers import serve
from netlab.exercises.trial import Trial

Enter = Callable[[Stage, str], Person]
Story = Callable[[Stage], None]
Telling = tuple[str, int, Story]
"""a story with its name and the number of the rule that it tests"""

STORIES: tuple[Telling, ...] = (
    ("a welcome, a ping", WELCOME, stories.welcome),
    ("a conversation", SPEAK, stories.conversation),
    ("names", NAMES, stories.names),
    ("who is not in the room", SPEAK, stories.outsiders),
    ("joined twice", JOIN, stories.twice),
    ("what was said before", PAST, stories.past),
    ("leaving a room", LEAVE, stories.leaving),
    ("vanishing", LEAVE, stories.vanishing),
    ("a name that becomes free", NAMES, stories.freed),
    ("private messages", PRIVATE, stories.private),
    ("a room called like somebody", PRIVATE, stories.eavesdropping),
    ("requests that make no sense", REQUESTS, stories.nonsense),
    ("texts of all kinds", CONTENT, stories.content),
    ("all speak at once", SPEAK, crowds.order),
    ("a member that never reads", PATIENCE, crowds.never_reads),
    ("a storm of members", PATIENCE, crowds.storm),
)
CONVERSATION = STORIES[1]


def probes(enter: Enter, *own: Telling) -> list[Probe]:
    """Return the probes of a chat: what all have in common, and after the first two its own."""
    return [probe(enter, *telling) for telling in (*STORIES[:2], *own, *STORIES[2:])]


def probe(enter: Enter, name: str, rule: int, story: Story) -> Probe:
    """Return the probe that tells a story with people who enter in this way."""
    return Probe(name, rule, partial(_tell, enter, story), serve)


def _tell(enter: Enter, story: Story, trial: Trial) -> None:
    story(Stage(trial, enter))
