"""What `netlab doctor` looks at. Each check says what it found, what it means and what to do.

What a check takes from the machine is an argument with a default, so that a test can give it a
machine on which something is missing.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from netlab.diagnosis import FAILED, INSTALL, OK, WARNING, Finding
from netlab.diagnosis_network import check_browser, check_localhost, check_loopback

NEEDED_PYTHON = (3, 11)


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Is this Python new enough?"""
    details = (f"Python {'.'.join(map(str, version))} at {sys.executable}",)
    if version >= NEEDED_PYTHON:
        return Finding("Python", OK, "new enough", details=details)
    return Finding(
        "Python",
        FAILED,
        f"this is {version[0]}.{version[1]}, netlab needs 3.11 or newer",
        "install a newer Python and make the environment again: `make lab PYTHON=python3.13`",
        details,
    )


def check_system(platform: str = sys.platform) -> Finding:
    """Does this system tell all that the chapters show of the kernel?"""
    if platform.startswith("linux"):
        return Finding("system", OK, "tells all that the course asks it")
    lacks = "tables and queues of the kernel"
    if platform == "win32":
        lacks += ", UNIX sockets, uvloop, limits for what you hand to the examiner"
    return Finding(
        "system",
        WARNING,
        f"{platform} goes without some of what Linux has: {lacks}; their cells say so",
        "all else works; docs/platforms.md lists the differences, and Binder is a Linux",
    )


# ---------------------------------------------------------------- packages


def check_packages(
    requirements: list[str] | None = None,
    version_of: Callable[[str], str] = metadata.version,
) -> Finding:
    """Is everything that netlab and its extra `lab` require installed, in a version that fits?"""
    try:
        if requirements is None:
            requirements = metadata.requires("netlab") or []
    except metadata.PackageNotFoundError:
        return Finding("packages", FAILED, "netlab itself is not installed here", INSTALL)
    try:
        wanted = list(_wanted(requirements))
    except ImportError:
        return Finding(
            "packages", FAILED, "the extra `lab` is not installed (`packaging` is missing)", INSTALL
        )
    complaints, details = [], []
    for requirement in wanted:
        try:
            version = version_of(requirement.name)
        except metadata.PackageNotFoundError:
            complaints.append(f"{requirement.name} is not installed")
            continue
        details.append(f"{requirement.name} {version} (wanted: {requirement.specifier or 'any'})")
        if not requirement.specifier.contains(version, prereleases=True):
            complaints.append(f"{requirement.name} is {version}, wanted is {requirement.specifier}")
    if complaints:
        return Finding("packages", FAILED, "; ".join(complaints), INSTALL, tuple(details))
    return Finding("packages", OK, "all installed, in versions that fit", details=tuple(details))


def _wanted(requirements: Iterable[str], extras: tuple[str, ...] = ("", "lab")) -> Iterable[Any]:
    """Yield the requirements that hold here, and those of the extras that they name."""
    from packaging.requirements import Requirement

    for text in requirements:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras):
            continue
        yield requirement
        if requirement.extras:
            try:
                further = metadata.requires(requirement.name) or []
            except metadata.PackageNotFoundError:
                continue
            of_extras = [one for one in further if "extra ==" in one]
            yield from _wanted(of_extras, tuple(requirement.extras))


# ---------------------------------------------------------------- the kernel and the home folder


def check_kernel(argv: list[str] | None = None) -> Finding:
    """Does the kernel `python3` run in this Python, and is ipykernel new enough?"""
    try:
        version = metadata.version("ipykernel")
    except metadata.PackageNotFoundError:
        return Finding("kernel", FAILED, "ipykernel is not installed", INSTALL)
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < (7, 1):
        return Finding(
            "kernel",
            FAILED,
            f"ipykernel is {version}, 7.1 or newer is needed: in older ones what a thread prints "
            "shows in another cell",
            INSTALL,
        )
    details = [f"ipykernel {version}"]
    if argv is None:
        try:
            from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
        except ImportError:
            return Finding("kernel", FAILED, "jupyter_client is not installed", INSTALL)
        try:
            spec = KernelSpecManager().get_kernel_spec("python3")
        except NoSuchKernel:
            return Finding(
                "kernel",
                FAILED,
                "there is no kernel named python3, which the notebooks ask for",
                "run `python -m ipykernel install --sys-prefix`",
            )
        argv = spec.argv
        details.append(f"kernelspec in {spec.resource_dir}")
    details.append(f"starts {argv[0]}")
    other = _prefix_of(argv[0])
    if other != sys.prefix:
        return Finding(
            "kernel",
            FAILED,
            "the kernel python3 runs in another Python than this one: what is installed here "
            "is missing there",
            "run `python -m ipykernel install --sys-prefix` with this Python, or start JupyterLab "
            "from this environment",
            (*details, f"that one's environment: {other}", f"this one's: {sys.prefix}"),
        )
    return Finding("kernel", OK, "python3 runs in this Python", details=tuple(details))


def _prefix_of(executable: str) -> str:
    """Return the environment that an interpreter belongs to, or why it cannot be found out."""
    # jupyter_client starts these names with its own interpreter, whatever PATH says.
    major, minor = sys.version_info[:2]
    own_names = {"python", f"python{major}", f"python{major}.{minor}", sys.executable}
    if executable in own_names:
        return sys.prefix
    try:
        return subprocess.run(  # noqa: S603 - the Python that this user's kernels run
            [executable, "-c", "import sys; print(sys.prefix)"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return f"unknown ({type(error).__name__})"


def check_home(home: Path | None = None) -> Finding:
    """Can the learner's progress be stored in NETLAB_HOME?"""
    if home is None:
        home = Path(os.environ.get("NETLAB_HOME") or Path.home() / ".netlab")
    details = (f"NETLAB_HOME is {home}",)
    # The folder is made when there is something to store; here it is enough that it can be.
    nearest = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest) as probe:
            probe.write(b"ok")
    except OSError as error:
        return Finding(
            "progress",
            FAILED,
            f"what you have solved cannot be stored: {error.strerror or error}",
            "set NETLAB_HOME to a folder in which you may write",
            details,
        )
    return Finding("progress", OK, "what you have solved can be stored", details=details)


CHECKS: tuple[tuple[str, Callable[[], Finding]], ...] = (
    ("Python", check_python),
    *([("system", check_system)] if not sys.platform.startswith("linux") else []),
    ("packages", check_packages),
    ("IPv4 loopback", partial(check_loopback, socket.AF_INET, "127.0.0.1", needed=True)),
    ("IPv6 loopback", partial(check_loopback, socket.AF_INET6, "::1", needed=False)),
    ("localhost", check_localhost),
    ("kernel", check_kernel),
    ("browser", check_browser),
    ("progress", check_home),
)
