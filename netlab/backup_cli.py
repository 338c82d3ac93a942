"""`netlab backup`: the learner's notebooks and progress in one file, to be downloaded and kept."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from netlab import backup, own_copy
from netlab.copy_cli import unwritable
from netlab.release_cli import find_checkout
from netlab.terminal import CommandFailed, harmless, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file and the folder."""
    parser.epilog = "On Binder, download the file then: the machine is gone after ten idle minutes."
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="a new file (default: netlab-backup-DATE.zip in this folder)",
    )
    add_folder(parser)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Declare --folder, where the learner's notebooks are."""
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help=f"where your notebooks are (default: {own_copy.FOLDER} in the course's folder; "
        "where there is none, as on Binder: notebooks)",
    )


def folder_of(args: argparse.Namespace) -> Path:
    """Return the learner's folder. Raises: CommandFailed: there is none."""
    if args.folder is not None:
        return Path(args.folder).absolute()
    checkout = find_checkout(None)
    own = checkout / own_copy.FOLDER
    return own if own.is_dir() else checkout / "notebooks"


def progress_file() -> Path:
    """Return the place of the learner's results. Raises: CommandFailed: there is no home folder."""
    from netlab.exercises import ledger

    try:
        return ledger.path()
    except RuntimeError as error:
        raise CommandFailed(f"{error}; set NETLAB_HOME to a folder") from None


def run(args: argparse.Namespace) -> int:
    """Write the backup, and say what is in it."""
    folder = folder_of(args)
    if not folder.is_dir():
        raise CommandFailed(f"there is no folder {harmless(str(folder))}", 2)
    target = args.file or backup.free_name(Path.cwd(), datetime.now(UTC).date())
    shown = harmless(str(target))
    try:
        names = backup.pack(target, folder, progress_file())
    except FileExistsError:
        raise CommandFailed(f"{shown} is there already; choose another name", 2) from None
    except OSError as error:
        raise unwritable(error) from None
    kept = sum(name.endswith(".ipynb") for name in names)
    with_progress = "with" if backup.PROGRESS in names else "without"
    say(f"{shown}: {kept} notebooks of {harmless(str(folder))}, {with_progress} your progress")
    say("Keep it somewhere else. `netlab restore FILE` puts everything back.")
    return 0
