"""Do by hand what Binder does, and run every notebook in the result: `make binder`.

repo2docker prints its steps; they are followed in a clean copy of the repository and a clean
environment as far as that goes without Docker and conda. Nothing of the tests goes into it: pytest
and nbval stay in their own, and only the notebooks' kernels run in it. They have no network but
loopback, for on Binder no port and no host outside can be relied on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools import binder_server, binder_steps
from tools.binder_environment import ROOT, Environment
from tools.binder_server import Unusable
from tools.binder_steps import NotInstalled

KERNEL = "netlab-binder"
MEMORY_LIMIT_MB = 1000.0
# The three whose kernels were the largest of all when this was measured (docs/binder.md).
CHAPTERS = ("04_threads", "06_selectors", "12_socketio_games")
CELL_TIMEOUT_S = 60
# Loopback comes up in a namespace of its own; then the user is who it was before.
_ALONE = 'ip link set lo up && exec unshare --user --map-user="$0" --map-group="$1" -- "${@:2}"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the environment, look at its server, and run the notebooks. Return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2, help="notebooks at a time (default: 2)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make it in DIR and leave it")
    parser.add_argument(
        "--memory", nargs="+", default=CHAPTERS, metavar="CHAPTER", help="which stay open"
    )
    options = parser.parse_args(arguments)
    if options.keep and options.keep.exists():
        parser.error(f"{options.keep} is there already; name a new folder")
    made = options.keep or Path(tempfile.mkdtemp(prefix="netlab-binder-"))
    try:
        return by_hand(Environment(made.resolve()), options.memory, options.workers)
    except (NotInstalled, Unusable, subprocess.CalledProcessError) as error:
        print(f"failed: {error}")
        return 1
    finally:
        if not options.keep:
            shutil.rmtree(made)


def by_hand(environment: Environment, open_chapters: Sequence[str], workers: int) -> int:
    """Do all of it, and print what was found. Return the exit status.

    Raises:
        NotInstalled: a step of the image does not do what we count on.
        Unusable: its JupyterLab does not serve what the badge promises.
        subprocess.CalledProcessError: a step failed.
    """
    steps = binder_steps.read(binder_steps.printed(ROOT))
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    print(f"Binder's Python is {steps.python}; this is done with {here}", flush=True)
    clock = Stopwatch()
    environment.make(steps)
    print("\n".join(environment.table()))
    clock.lap("environment")
    with binder_server.lab(environment) as server:
        readme = (environment.source / "README.md").read_text("utf-8")
        print(f"the badge opens {binder_server.first_page(server, readme)}")
        binder_server.a_page_through_the_proxy(server, environment)
        print("the chat page comes through JupyterLab's proxy")
        paths = [f"notebooks/{name}.ipynb" for name in open_chapters]
        total, kernels = binder_server.chapters(server, paths, environment.source)
    shown = ", ".join(f"{size:.0f}" for size in kernels)
    print(f"memory: {total:.0f} MB with {', '.join(open_chapters)} run and open (kernels {shown})")
    clock.lap("JupyterLab")
    if total > MEMORY_LIMIT_MB:
        raise Unusable(f"that is more than {MEMORY_LIMIT_MB:.0f} MB")
    status = notebooks(environment, workers)
    clock.lap("notebooks")
    return status


def notebooks(environment: Environment, workers: int) -> int:
    """Compare all notebooks' outputs, their kernels in the environment. Return pytest's status."""
    kernels = environment.home / "kernels"
    specification = kernels / "kernels" / KERNEL / "kernel.json"
    specification.parent.mkdir(parents=True)
    launcher = [str(environment.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification.write_text(
        json.dumps({"argv": launcher, "display_name": KERNEL, "language": "python"})
    )
    command = [sys.executable, "-m", "pytest", "-o", "addopts=--import-mode=importlib", "-q"]
    command += ["--nbval", f"--nbval-kernel-name={KERNEL}", "-n", str(workers), "--dist=loadfile"]
    command += [f"--nbval-cell-timeout={CELL_TIMEOUT_S}"]
    command += ["--nbval-sanitize-with=notebooks/sanitize.cfg", "-p", "no:cacheprovider"]
    prefix = alone()
    print(
        "no network but loopback"
        if prefix
        else "with this machine's network: it lends nobody a network of his own (unshare)",
        flush=True,
    )
    environ = environment.environ | {"JUPYTER_PATH": str(kernels)}
    return subprocess.run(
        [*prefix, *command, "notebooks"], cwd=environment.source, env=environ, check=False
    ).returncode


def alone() -> list[str]:
    """Return what goes before a command so that it has loopback and no other network.

    Empty where the system does not allow that.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        prefix = ["unshare", "--net", "bash", "-c", 'ip link set lo up && exec "$@"', "bash"]
    else:
        who = [str(os.getuid()), str(os.getgid())]
        prefix = ["unshare", "--map-root-user", "--net", "bash", "-c", _ALONE, *who]
    try:
        done = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    except OSError:
        return []
    return [] if done.returncode else prefix


class Stopwatch:
    """Says what took how long."""

    def __init__(self) -> None:
        """Start."""
        self._since = time.monotonic()

    def lap(self, what: str) -> None:
        """Print the seconds since the last lap."""
        now = time.monotonic()
        print(f"{what}: {now - self._since:.0f} s", flush=True)
        self._since = now


if __name__ == "__main__":
    sys.exit(main())
