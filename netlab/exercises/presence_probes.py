"""Probes of `presence`, chapter 11: who is here, who hears what, and how often."""

from __future__ import annotations

from netlab.exercises.presence_guests import Guest
from netlab.exercises.trial import Trial

CROWD = 12
NONSENSE: tuple[object, ...] = (
    None,
    "hello",
    ["hello"],
    {},
    {"text": "hello"},
    {"ref": "r1"},
    {"text": 5, "ref": "r1"},
    {"text": "", "ref": "r1"},
    {"text": " \t", "ref": "r1"},
    {"text": "x" * 501, "ref": "r1"},
    {"text": "hello", "ref": 1},
    {"text": "hello", "ref": ""},
)
NO_NAMES: tuple[object, ...] = (None, {}, "Eve", {"name": 5}, {"name": ""}, {"name": "  "},
                                {"name": "x" * 21}, ["Eve"])  # fmt: skip


def comes(trial: Trial) -> None:
    """One after the other; who is here already hears of it."""
    where = trial.wait("listening")
    cleo = Guest(trial, where, "Cleo").comes_in("Cleo")
    ann = Guest(trial, where, "Ann").comes_in("Ann", "Cleo")
    cleo.hears("came", name="Ann")
    Guest(trial, where, "Ben").comes_in("Ann", "Ben", "Cleo")
    for one in (ann, cleo):
        one.hears("came", name="Ben")
        one.hears_nothing()


def nameless(trial: Trial) -> None:
    """Without a name nobody comes in, and nobody hears of it."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    for auth in NO_NAMES:
        stranger = Guest(trial, where, "stranger", auth)
        stranger.is_refused()
        stranger.leaves()
        trial.tally()
    ann.hears_nothing()
    longest = "x" * 20
    Guest(trial, where, longest).comes_in("Ann", longest)
    ann.hears("came", name=longest)


def leaves(trial: Trial) -> None:
    """One goes, one vanishes."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    for name, rudely in (("Ben", False), ("Cleo", True)):
        other = Guest(trial, where, name).comes_in("Ann", name)
        ann.hears("came", name=name)
        other.leaves(rudely=rudely)
        ann.hears("left", name=name)
    ann.hears_nothing()


def second_tab(trial: Trial) -> None:
    """The same person once more."""
    where = trial.wait("listening")
    ben = Guest(trial, where, "Ben").comes_in("Ben")
    first = Guest(trial, where, "Ann's laptop").comes_in("Ann", "Ben")
    ben.hears("came", name="Ann")
    Guest(trial, where, "Ann's phone").comes_in("Ann", "Ben")
    for one in (ben, first):
        one.hears_nothing()


def closed_tab(trial: Trial) -> None:
    """One of two connections goes, then the other."""
    where = trial.wait("listening")
    ben = Guest(trial, where, "Ben").comes_in("Ben")
    laptop = Guest(trial, where, "Ann's laptop").comes_in("Ann", "Ben")
    ben.hears("came", name="Ann")
    phone = Guest(trial, where, "Ann's phone").comes_in("Ann", "Ben")
    laptop.leaves()
    phone.says({"text": "I am still here", "ref": "1"})
    ben.hears("said", name="Ann", text="I am still here")
    late = Guest(trial, where, "Cleo").comes_in("Ann", "Ben", "Cleo")
    ben.hears("came", name="Cleo")
    phone.leaves()
    ben.hears("left", name="Ann")
    late.hears("left", name="Ann")


def says(trial: Trial) -> None:
    """Something is said; all others hear it."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    ben = Guest(trial, where, "Ben").comes_in("Ann", "Ben")
    ann.hears("came", name="Ben")
    cleo = Guest(trial, where, "Cleo").comes_in("Ann", "Ben", "Cleo")
    for one in (ann, ben):
        one.hears("came", name="Cleo")
    for number, text in enumerate(("hello", "café 🙂", "x" * 500)):
        ann.says({"text": text, "ref": f"r{number}"})
        for one in (ben, cleo):
            one.hears("said", name="Ann", text=text)
    for one in (ann, ben, cleo):
        one.hears_nothing()


def own_phone(trial: Trial) -> None:
    """What she says with one of her connections, the other one hears, too."""
    where = trial.wait("listening")
    laptop = Guest(trial, where, "Ann's laptop").comes_in("Ann")
    phone = Guest(trial, where, "Ann's phone").comes_in("Ann")
    laptop.says({"text": "note to self", "ref": "r1"})
    phone.hears("said", name="Ann", text="note to self")
    laptop.hears_nothing()


def pretends(trial: Trial) -> None:
    """Somebody says who he is, and is somebody else."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    mallory = Guest(trial, where, "Mallory").comes_in("Ann", "Mallory")
    ann.hears("came", name="Mallory")
    mallory.says({"text": "pay Mallory", "ref": "1", "name": "Ann", "from": "Ann", "sid": "x"})
    ann.hears("said", name="Mallory", text="pay Mallory")


def says_again(trial: Trial) -> None:
    """The acknowledgement was lost: the same is said again, and heard once."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    ben = Guest(trial, where, "Ben").comes_in("Ann", "Ben")
    ann.hears("came", name="Ben")
    for text, ref in (("one", "r1"), ("one", "r1"), ("two", "r2"), ("one", "r1")):
        ann.says({"text": text, "ref": ref})
    ann.says({"text": "one", "ref": "r3"})
    for text in ("one", "two", "one"):
        ben.hears("said", name="Ann", text=text)
    ben.hears_nothing()


def says_again_elsewhere(trial: Trial) -> None:
    """The connection was lost with the acknowledgement."""
    where = trial.wait("listening")
    ben = Guest(trial, where, "Ben").comes_in("Ben")
    before = Guest(trial, where, "Ann").comes_in("Ann", "Ben")
    ben.hears("came", name="Ann")
    before.says({"text": "transfer 100", "ref": "r1"})
    ben.hears("said", name="Ann", text="transfer 100")
    before.leaves(rudely=True)
    ben.hears("left", name="Ann")
    again = Guest(trial, where, "Ann's new connection").comes_in("Ann", "Ben")
    ben.hears("came", name="Ann")
    again.says({"text": "transfer 100", "ref": "r1"})
    ben.hears_nothing()


def same_ref(trial: Trial) -> None:
    """Two people choose the same ref."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    ben = Guest(trial, where, "Ben").comes_in("Ann", "Ben")
    ann.hears("came", name="Ben")
    ann.says({"text": "soup?", "ref": "1"})
    ben.hears("said", name="Ann", text="soup?")
    ben.says({"text": "yes", "ref": "1"})
    ann.hears("said", name="Ben", text="yes")


def nonsense(trial: Trial) -> None:
    """Requests that are none."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    ben = Guest(trial, where, "Ben").comes_in("Ann", "Ben")
    ann.hears("came", name="Ben")
    for data in NONSENSE:
        ann.says(data, ok=False)
        trial.tally()
    ann.says({"text": "now seriously", "ref": "r1"})
    ben.hears("said", name="Ann", text="now seriously")


def storm(trial: Trial) -> None:
    """Many come and vanish; in the end it is right who is here."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    names = [f"guest {number}" for number in range(CROWD)]
    trial.note(f"{CROWD} guests come, and all vanish at once")
    with trial.in_silence():
        guests = []
        for number, name in enumerate(names):
            guests.append(Guest(trial, where, name).comes_in("Ann", *names[: number + 1]))
            ann.hears("came", name=name)
            for one in guests[:-1]:
                one.hears("came", name=name)
        for one in guests:
            one.link.tcp.reset(wait=False)
        left = set()
        for _ in names:
            kind, _, _, data = ann.next("an event for each who left")
            left.add(data[1].get("name") if kind == "EVENT" and data[0] == "left" else None)
    if left != set(names):
        raise ann.link.failed("one event left for each of them", f"{len(left)} different ones")
    Guest(trial, where, "late").comes_in("Ann", "late")
