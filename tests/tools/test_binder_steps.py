"""repo2docker's Dockerfile installs our environment and our package, and a fault in it is seen."""

import re
import shutil
from pathlib import Path

import pytest

from tools import binder_steps
from tools.binder_steps import NotInstalled, Steps

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What repo2docker reads of the repository."""
    shutil.copytree(ROOT / "binder", tmp_path / "binder")
    for name in ("pyproject.toml", "environment.yml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def steps(folder: Path) -> Steps:
    return binder_steps.read(binder_steps.printed(folder))


def test_binder_installs_our_environment_and_our_package() -> None:
    found = steps(ROOT)
    assert found.environment == "binder/environment.yml"
    assert found.post_build == "binder/postBuild"
    assert found.python == "3.11"
    assert binder_steps.pip_part(ROOT, found.environment) == ["-e ..[lab]"]


def test_what_the_image_has_before() -> None:
    lines = binder_steps.base_versions(steps(ROOT).base_lock)
    names = {line.partition("==")[0] for line in lines}
    assert {"jupyterlab", "jupyterhub", "ipykernel", "fastjsonschema"} <= names
    assert not {"python", "openssl", "nodejs", "pytest", "nbval"} & names
    assert len(lines) == len(names), "one version each"


def test_a_range_of_pythons_is_not_understood(copy: Path) -> None:
    file = copy / "binder/environment.yml"
    file.write_text(file.read_text().replace("python=3.11", "python>=3.11"))
    assert steps(copy).python != "3.11", "repo2docker has learned it: the comment can go"


def test_a_dangling_link_installs_nothing(copy: Path) -> None:
    (copy / "binder/environment.yml").unlink()
    (copy / "binder/environment.yml").symlink_to("elsewhere.yml")
    with pytest.raises(NotInstalled, match="no step installs an environment file"):
        steps(copy)


def test_the_path_of_the_other_environment_is_wrong_here(copy: Path) -> None:
    shutil.copy(copy / "environment.yml", copy / "binder")
    found = steps(copy)
    with pytest.raises(NotInstalled, match=re.escape("['-e .[lab]']: none of it is this folder's")):
        binder_steps.pip_part(copy, found.environment)


def test_without_a_script_nothing_runs_last(copy: Path) -> None:
    (copy / "binder/postBuild").unlink()
    assert steps(copy).post_build is None


def test_the_user_and_the_place_of_repo2docker_do_not_matter() -> None:
    printed = binder_steps.printed(ROOT)
    elsewhere = re.sub(r"--chown=\d+:\d+", "--chown=1234:1234", printed)
    elsewhere = re.sub(r"(build_script_files/)\S+(conda-2fenv)", r"\1-2fhome-2f\2", elsewhere)
    assert elsewhere != printed
    assert binder_steps.read(elsewhere) == binder_steps.read(printed)


def test_a_path_that_repo2docker_has_cut_is_said() -> None:
    cut = re.sub(r"-2dlinux\S+lock-", "-", binder_steps.printed(ROOT))
    with pytest.raises(NotInstalled, match=re.escape("repo2docker has no environment.py-3.11")):
        binder_steps.read(cut)


def test_another_kind_of_image_is_no_conda_image(copy: Path) -> None:
    (copy / "binder/environment.yml").unlink()
    (copy / "binder/Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(NotInstalled, match="no conda environment"):
        steps(copy)


def test_an_environment_before_the_files_is_too_early() -> None:
    lines = binder_steps.printed(ROOT).splitlines(keepends=True)
    (number,) = [at for at, line in enumerate(lines) if re.match(r"COPY \S+ src/", line)]
    late = "".join([*lines[:number], *lines[number + 1 :], lines[number]])
    with pytest.raises(NotInstalled, match="not in the image when"):
        binder_steps.read(late)
