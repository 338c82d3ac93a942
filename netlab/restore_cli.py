"""`netlab restore`: what `netlab backup` has kept, back in its place; nothing is lost by it."""

from __future__ import annotations

import argparse
from pathlib import Path

from netlab import backup
from netlab.backup_cli import add_folder, folder_of, progress_file
from netlab.copy_cli import unwritable
from netlab.terminal import harmless, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file and the folder."""
    parser.epilog = "What differs there is kept beside, as NAME.before-restore.ipynb."
    parser.add_argument("file", type=Path, metavar="FILE", help="made by netlab backup")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Restore, and say what was done."""
    folder = folder_of(args)
    try:
        done = backup.unpack(args.file, folder, progress_file())
    except OSError as error:
        raise unwritable(error) from None
    shown = harmless(str(folder))
    say(f"{shown}: {len(done.written)} files restored, {len(done.same)} were the same already")
    for name, aside in done.aside:
        say(f"  {harmless(name)}: what stood there is now {harmless(aside)}")
    return 0
