# ruff: noqa: RUF001 - letters that look like others are what this file is about
"""Two people whose names look alike would be taken for each other: the second chooses another."""

from __future__ import annotations

import pytest

from netlab.core.lookalikes import look_of
from netlab.core.messages import Hello, UsernameSet
from tests.core.stage import Stage


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Admin", "Аdmin"),  # Cyrillic A
        ("paypal", "раураl"),
        ("TOM", "ΤΟΜ"),  # Greek
        ("Ian", "lan"),  # within one script
        ("user1", "userI"),
        ("Oleg", "0leg"),
        ("Bernd", "Bemd"),
        ("Ｊan", "Jan"),  # full width
        ("𝐀nn", "Ann"),  # mathematical
        ("Straße", "STRASSE"),
    ],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    assert look_of(one) == look_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ann", "Anna"), ("Мария", "Дария"), ("Zoe", "Zoë"), ("tea", "tee"), ("A", "Я")],
)
def test_names_that_do_not(one: str, other: str) -> None:
    assert look_of(one) != look_of(other)


def test_the_second_chooses_another_and_is_told_whom_it_looks_like() -> None:
    stage = Stage()
    ann, bob = stage.cast("Admin", "Bob", room="kitchen")
    assert bob.refused("set_username", username="Аdmin") == "name_taken"  # Cyrillic A
    assert "looks like the name of 'Admin'" in bob.inbox[-1].message
    assert bob.refused("join_room", room="hall", username="Adrnin") == "name_taken"
    assert ann.does("set_username", username="ADMIN").username == "ADMIN"  # one's own may change
    ann.vanishes()
    assert bob.does("set_username", username="Аdmin") == UsernameSet("Аdmin")


def test_a_message_to_a_name_goes_to_that_name_and_not_to_one_like_it() -> None:
    stage = Stage()
    ann, bob = stage.cast("Ian", "Bob")
    assert bob.refused("private_message", target="lan", content="hi") == "no_such_user"
    assert ann.inbox == []


def test_rooms_that_look_alike_are_two_rooms() -> None:
    """Else who means `all` would talk to those in `ali`."""
    stage = Stage()
    ann, bob = stage.cast("Ann", "Bob")
    ann.does("join_room", room="ali")
    assert bob.does("join_room", room="all").members_count == 1


def test_who_comes_back_may_have_lost_the_name_to_one_that_looks_like_it() -> None:
    stage = Stage()
    ann = stage.enter(Hello(username="Ian"))
    secret = ann.hears()[0].secret
    ann.vanishes()
    stage.named("lan")
    back = stage.enter(Hello(resume=secret))
    assert back.hears()[0].username == f"User_{back.id[:8]}"
