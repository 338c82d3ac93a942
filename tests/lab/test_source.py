"""`show_source` shows code and links to it, without telling where it is on this machine."""

from __future__ import annotations

import pytest

import netlab.lab
from netlab.lab import show_source
from netlab.lab.recording import Recording


def test_a_method_is_shown_dedented_with_a_relative_link():
    bundle = show_source(Recording.clear)._repr_mimebundle_()
    markdown = bundle["text/markdown"]
    assert markdown.startswith(
        "From [netlab/lab/recording.py](../netlab/lab/recording.py):\n\n```python\ndef clear("
    )
    assert markdown.endswith("\n```")
    assert bundle["text/plain"].startswith("# netlab/lab/recording.py\ndef clear(")


@pytest.mark.parametrize("thing", [Recording, netlab.lab.show_source, netlab.lab.kernel])
def test_no_path_of_this_machine_is_shown(thing):
    text = str(show_source(thing)._repr_mimebundle_())
    assert str(netlab.lab.__path__[0]) not in text
    assert repr(show_source(thing)) == repr(show_source(thing))


def test_code_from_elsewhere_is_named_by_its_file():
    assert show_source(test_code_from_elsewhere_is_named_by_its_file).file.endswith(
        "test_source.py"
    )


def test_what_has_no_python_source_is_refused():
    with pytest.raises(TypeError):
        show_source(len)
