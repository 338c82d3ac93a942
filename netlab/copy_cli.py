"""`netlab copy`: the learner's own copy of the course, made or brought up to date."""

from __future__ import annotations

import argparse
from pathlib import Path

from netlab import own_copy
from netlab.release_cli import find_checkout
from netlab.terminal import CommandFailed, harmless, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the copy is."""
    parser.epilog = "Nothing that you wrote is overwritten: `netlab reset CHAPTER` begins anew."
    add_places(parser)


def add_places(parser: argparse.ArgumentParser) -> None:
    """Declare --folder and --from, as all commands about the copy have them."""
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help=f"where your copy is (default: {own_copy.FOLDER} in the course's folder)",
    )
    parser.add_argument(
        "--from",
        dest="checkout",
        type=Path,
        metavar="CHECKOUT",
        help="the course's folder (default: the one that this netlab runs from, or this folder)",
    )


def places(args: argparse.Namespace) -> tuple[Path, Path]:
    """Return the course's folder and the copy's. Raises: CommandFailed: there is no course."""
    checkout = find_checkout(args.checkout)
    folder = (args.folder or checkout / own_copy.FOLDER).absolute()
    if folder.resolve() == (checkout / "notebooks").resolve():
        raise CommandFailed(f"{harmless(str(folder))} is the course itself, not your copy", 2)
    return checkout, folder


def unwritable(error: OSError) -> CommandFailed:
    """Return an OSError as a sentence."""
    return CommandFailed(f"{harmless(str(error.filename or 'the copy'))}: {error.strerror}")


def run(args: argparse.Namespace) -> int:
    """Make the copy, or bring it up to date, and say what was done."""
    checkout, folder = places(args)
    try:
        done = own_copy.copy(checkout, folder)
    except OSError as error:
        raise unwritable(error) from None
    shown = harmless(str(folder))
    for names, what in ((done.added, "new"), (done.renewed, "renewed: the course has changed it")):
        if names:
            say(f"{shown}: {', '.join(names)} ({what})")
    for name in done.kept:
        say(
            f"{shown}: {name} has changed in the course, and you have changed yours: it stays as "
            f"it is. `netlab reset {name.partition('_')[0]}` gives you the new one and keeps yours."
        )
    if not (done.added or done.renewed or done.kept):
        say(f"{shown}: up to date")
    return 0
