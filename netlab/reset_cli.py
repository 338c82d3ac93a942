"""`netlab reset`: a fresh chapter in the learner's copy; the old one is kept beside it."""

from __future__ import annotations

import argparse

from netlab import own_copy
from netlab.copy_cli import add_places, places, unwritable
from netlab.terminal import harmless, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the chapters."""
    parser.epilog = "Close the notebook in JupyterLab first, or it will ask which version to keep."
    parser.add_argument(
        "chapters", nargs="+", metavar="CHAPTER", help="its number or name, such as 03"
    )
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Put the fresh chapters in their places, and say where the old ones are."""
    checkout, folder = places(args)
    for chapter in args.chapters:  # all are known before one is touched
        own_copy.find(checkout, chapter)
    for chapter in args.chapters:
        try:
            fresh, aside = own_copy.reset(checkout, folder, chapter)
        except OSError as error:
            raise unwritable(error) from None
        yours = f"; yours is now {harmless(aside.name)}" if aside else ""
        say(f"{harmless(str(fresh))} is as in the course{yours}")
    return 0
