"""`show_source` shows code and links to it, without telling where it is on this machine."""

from __future__ import annotations

import contextlib
import functools
import html
import keyword
import linecache
import re
import socket
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netlab.lab
from netlab.lab import show_source
from netlab.lab.highlight import STYLE, highlight
from netlab.lab.recording import Recording

ROOT = Path(netlab.__file__).parents[1]


class Sample:
    """A class with everything that has source."""

    @property
    def size(self) -> int:
        return 1

    @size.setter
    def size(self, value: int) -> None:
        raise AttributeError(value)

    @staticmethod
    def static() -> str:
        return """
no margin here"""

    @classmethod
    def made(cls) -> Sample:
        return cls()

    @functools.cached_property
    def kept(self) -> int:
        return 2

    @contextlib.contextmanager
    def held(self):
        yield self


def text_of(page: str) -> str:
    """Return what a browser would show of the code."""
    code = page.partition('"><code>')[2].partition("</code></pre>")[0]
    return html.unescape(re.sub(r"<[^>]*>", "", code))


def test_a_method_is_shown_dedented_with_a_relative_link(monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    source = show_source(Recording.clear)
    bundle = source._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"].startswith("# netlab/lab/recording.py\ndef clear(")
    assert '<a href="../netlab/lab/recording.py">netlab/lab/recording.py</a>' in bundle["text/html"]
    assert "<code>Recording.clear</code> from" in bundle["text/html"]
    assert text_of(bundle["text/html"]) == source.code


def test_the_link_fits_the_folder_of_the_notebook(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert show_source(Recording).link == "netlab/lab/recording.py"
    monkeypatch.chdir(tmp_path)  # JupyterLab opens no file outside of its folder
    assert show_source(Recording).link == ""
    assert "<a " not in show_source(Recording)._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    "thing", [Recording, netlab.lab.show_source, netlab.lab.kernel, socket.create_server, pytest]
)
def test_no_path_of_this_machine_is_shown(thing):
    text = str(show_source(thing)._repr_mimebundle_())
    for path in (str(ROOT), sys.prefix, sys.base_prefix, str(Path.home())):
        assert path not in text
    assert ".venv" not in text
    assert repr(show_source(thing)) == repr(show_source(thing))


def test_code_from_elsewhere_is_named_by_its_file():
    assert show_source(test_code_from_elsewhere_is_named_by_its_file).file == (
        "tests/lab/test_source.py"
    )
    assert show_source(socket.create_server).file == "socket.py"


@pytest.mark.parametrize(
    ("thing", "begins", "contains"),
    [
        (Sample.size, "@property\ndef size", "\n\n@size.setter\ndef size(self, value"),
        (vars(Sample)["static"], "@staticmethod\ndef static", '"""\nno margin here"""'),
        (Sample.static, "@staticmethod\ndef static", "no margin"),
        (Sample.made, "@classmethod\ndef made", "return cls()"),
        (Sample.kept, "@functools.cached_property\ndef kept", "return 2"),
        (Sample.held, "@contextlib.contextmanager\ndef held", "yield self"),
        (Sample().made, "@classmethod\ndef made", "return cls()"),
        (functools.partial(text_of, "x"), "def text_of", "unescape"),
        (Sample, "class Sample", "yield self"),
        (sys.modules["netlab.lab.source"], '"""`show_', "def show_source("),
    ],
)
def test_everything_that_has_source(thing, begins, contains):
    source = show_source(thing, lines=1000)
    assert source.code.startswith(begins)
    assert contains in source.code
    assert text_of(source._repr_mimebundle_()["text/html"]) == source.code


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (len, r"len is written in C .* help\(len\) says"),
        (dict, "dict is written in C"),
        (dict.get, "dict.get is written in C"),
        ([].append, "list.append is written in C"),
        (socket.socket.recv, "recv is written in C"),
        (sys, "sys is written in C"),
        (5, r"this one is of type int\).*pass a function"),
        (Sample(), "of type Sample"),
    ],
)
def test_what_has_no_python_source_is_refused(thing, message):
    with pytest.raises(TypeError, match=message):
        show_source(thing)


def test_what_nobody_kept_is_said():
    made: dict[str, object] = {"__name__": "__main__"}
    exec("def f(): pass\nclass C: pass", made)
    with pytest.raises(OSError, match="the source of f is not kept anywhere; define it in a cell"):
        show_source(made["f"])
    with pytest.raises(OSError, match="the source of C is not kept anywhere"):
        show_source(made["C"])


def test_what_a_cell_defined_is_from_this_notebook(monkeypatch):
    path = "/tmp/ipykernel_1234/987.py"
    cell = "class Outer:\n    class Inner:\n        x = '<1>'\n\ndef f():\n    return 1\n"
    newer = "class Outer:\n    '''newer'''\n"
    notebook = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    for name, code in ((path, cell), (path.replace("987", "988"), newer), (path + "2", "%magic")):
        lines = code.splitlines(True)
        monkeypatch.setitem(linecache.cache, name, (len(code), None, lines, name))
    exec(compile(cell, path, "exec"), vars(notebook))
    function = show_source(notebook.f, numbers=True)
    assert repr(function) == "# this notebook\n5  def f():\n6      return 1"
    inner = show_source(notebook.Outer.Inner)
    assert repr(inner) == "# this notebook\nclass Inner:\n    x = '<1>'"
    assert "newer" in show_source(notebook.Outer).code
    page = inner._repr_mimebundle_()["text/html"]
    assert "&lt;1&gt;" in page
    assert "ipykernel" not in page


def test_the_length_is_bounded_and_the_lines_numbered():
    source = show_source(Sample, lines=2, numbers=True)
    first = source.first_line
    assert repr(source).splitlines()[1:3] == [
        f"{first}  class Sample:",
        f'{first + 1}      """A class with everything that has source."""',
    ]
    assert re.search(r"# … \d+ more lines: show_source\(…, lines=…\) shows more", repr(source))
    page = source._repr_mimebundle_()["text/html"]
    assert f'<span data-n="{first}"><span class="k">class</span>' in page
    assert "more lines" in page
    with pytest.raises(ValueError, match="lines=0 shows nothing; pass 1 or more"):
        show_source(Sample, lines=0)


@given(st.text(alphabet=st.characters(exclude_characters="\r\x00\x0c")))
def test_whatever_is_highlighted_stays_the_same_text(code):
    lines = highlight(code)
    assert html.unescape(re.sub(r"<[^>]*>", "", "\n".join(lines))) == code
    assert not re.search(r"<(?!/?span)", "".join(lines))


def test_words_are_set_apart_by_what_they_are():
    line = highlight("async def f(a: int) -> None: return a.int + 1  # <b>")[0]
    assert line == (
        '<span class="k">async</span> <span class="k">def</span> <span class="d">f</span>'
        '(a: <span class="b">int</span>) -&gt; <span class="k">None</span>: '
        '<span class="k">return</span> a.int + <span class="o">1</span>  '
        '<span class="c"># &lt;b&gt;</span>'
    )
    assert highlight('x = f"a{b!r:>{width}}c" + "d"')[0] == (
        'x = <span class="s">f"a{b!r:&gt;{width}}c"</span> + <span class="s">"d"</span>'
    )
    decorated = highlight("@a.b(c)\nx = y @ z\nmatch x:\n    case 1: pass\nmatch = 2")
    assert decorated[0] == '<span class="o">@a.b</span>(c)'
    assert decorated[1] == "x = y @ z"
    assert highlight("@property\ndef f(): 1")[1].startswith('<span class="k">def</span>')
    assert decorated[2].startswith('<span class="k">match</span>')
    assert decorated[4].startswith("match")
    assert highlight("'''a\nb''' + 1")[:2] == [
        "<span class=\"s\">'''a</span>",
        '<span class="s">b\'\'\'</span> + <span class="o">1</span>',
    ]
    assert highlight("x = (1,\n") == ["x = (1,", ""]  # no whole program: plain
    assert all(highlight(word)[0].startswith("<span") for word in keyword.kwlist)


def luminance(color: str) -> float:
    """Return the relative luminance of #rrggbb, WCAG 2.2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_can_be_read_in_both_themes():
    light, dark = re.findall(r"\{(--k[^}]*)\}", STYLE)[:2]
    for paper, block in (("#ffffff", light), ("#111111", dark)):
        colors = re.findall(r"--[kscdo]:(#[0-9a-f]{6})", block)
        assert len(colors) == 5
        for color in colors:
            high, low = sorted((luminance(color), luminance(paper)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, f"{color} on {paper}"
