"""Names: trimmed, NFC, compared casefolded, and nothing in them that cannot be seen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.errors import Refused
from netlab.core.names import MAX_CONTENT_BYTES, check_content, clean_name, name_key


@pytest.mark.parametrize(
    "name",
    ["Ann", "ann lee", "Zoë", "李小龍", "Мария", "🦊", "สมชาย", "Nguyễn", "x" * 32, "שָׁלוֹם", "5"],
)
def test_names_of_many_scripts_are_fine(name: str) -> None:
    assert clean_name(name, "username", 32) == unicodedata.normalize("NFC", name)


def test_names_are_trimmed_and_composed() -> None:
    assert clean_name("  Ann\t\n", "username", 32) == "Ann"
    assert clean_name("Zoe\u0308", "username", 32) == "Zoë"
    assert clean_name("e\u0302\u0323" * 32, "username", 32) == "ệ" * 32


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "nothing is left"),
        (" \u00a0\t", "nothing is left"),
        ("x" * 33, "33 characters"),
        ("x" * 500_000, "500,000 characters"),
        ("a\nb", r"U\+000A"),
        ("a\x1b[31mb", r"U\+001B"),
        ("a\x00", r"U\+0000"),
        ("Ann\u200b", r"U\+200B"),  # zero-width space
        ("An\u200dn", r"U\+200D"),  # zero-width joiner
        ("\u202eAnn", r"U\+202E"),  # right-to-left override
        ("Ann\u2066", r"U\+2066"),
        ("Ann\ufe0f", r"U\+FE0F"),  # variation selector: printable, and not to be seen
        ("\u3164", r"U\+3164"),  # Hangul filler: a letter, and not to be seen
        ("A\u034fnn", r"U\+034F"),
        ("\u2800", r"U\+2800"),
        ("Ann\u00a0Lee", r"U\+00A0"),
        ("Ann\ud800", r"U\+D800"),
        ("\u0301", "a mark without a letter"),
        ("e" + "\u0301" * 20, "a mark without a letter"),
        ("0123456789abcdef01234567", "looks like an id"),
        ("0123456789ABCDEF01234567", "looks like an id"),
    ],
)
def test_names_that_are_refused(name: str, complaint: str) -> None:
    with pytest.raises(Refused, match=complaint) as caught:
        clean_name(name, "username", 32)
    assert caught.value.code == "invalid_name"
    assert "use 1 to 32 printable characters" in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_unlimited_name_is_still_no_burden() -> None:
    assert clean_name("x" * 200, "room", 0) == "x" * 200
    with pytest.raises(Refused):
        clean_name("x" * 257, "room", 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ann", "ANN"), ("Zoë", "zoe\u0308"), ("Straße", "STRASSE"), (" Ann ", "ann"), ("ς", "Σ")],
)
def test_one_name_written_differently(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@given(st.text(max_size=40))
def test_a_clean_name_stays_as_it_is(name: str) -> None:
    try:
        clean = clean_name(name, "username", 32)
    except Refused:
        return
    assert clean_name(clean, "username", 32) == clean
    assert 1 <= len(clean) <= 32
    assert clean.isprintable()
    assert clean == clean.strip()
    assert name_key(clean) == name_key(name) == name_key(clean.upper().lower().casefold())


@given(st.text(max_size=40))
def test_a_key_is_its_own_key(name: str) -> None:
    # Folding and composing once more must not make of two different names one.
    assert name_key(name_key(name)) == name_key(name)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3_000))
def test_content_is_measured_in_bytes(content: str) -> None:
    if len(content.encode()) <= MAX_CONTENT_BYTES:
        assert check_content(content) is content
    else:
        with pytest.raises(Refused, match="the limit is 4,096 bytes"):
            check_content(content)


@pytest.mark.parametrize("letter", ["a", "é", "€", "🦊"])
def test_the_longest_content(letter: str) -> None:
    most = MAX_CONTENT_BYTES // len(letter.encode())
    check_content(letter * most)
    with pytest.raises(Refused) as caught:
        check_content(letter * (most + 1))
    assert caught.value.code == "content_too_long"
