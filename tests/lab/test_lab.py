"""The package itself: light to import, and its names are what they say."""

from __future__ import annotations

import subprocess
import sys

import pytest

import netlab.lab


def test_importing_it_loads_no_widgets_and_no_ipython():
    code = (
        "import sys, netlab.lab\n"
        "from netlab.lab import Tap, background, ladder, kernel, expect, show_source\n"
        "print(sorted({'ipywidgets', 'IPython', 'zmq', 'msgspec'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_name_is_the_function_also_when_its_module_was_imported_first():
    code = (
        "from netlab.lab.background import Background\n"
        "import netlab.lab.expect, netlab.lab.record\n"
        "from netlab.lab import background, expect, leftovers, record\n"
        "print(all(map(callable, (background, expect, leftovers, record))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


@pytest.mark.parametrize("name", netlab.lab.__all__)
def test_all_that_is_promised_is_there(name):
    assert getattr(netlab.lab, name) is not None
    assert name in dir(netlab.lab)


def test_a_wrong_name_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'tapp'"):
        netlab.lab.tapp  # noqa: B018
