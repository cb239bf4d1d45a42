"""scripts/set-up.sh, with stand-ins for the programs that would change the machine."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [line for line in (ROOT / "scripts" / "debian-packages.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.fixture
def machine(tmp_path):
    """A folder of stand-ins; `log` in it names those that ran. By default: an ordinary user without sudo, no Debian package installed."""
    for name in ["dirname", "grep", "sed", "sh", "env", "cat"]:
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    stand_in(tmp_path, "id", "echo 1000")
    stand_in(tmp_path, "dpkg-query", "exit 1")
    stand_in(tmp_path, "apt-get", 'echo "$0 $*" >> "${0%/*}/log"')
    stand_in(tmp_path, "python", 'echo "$0 $*" >> "${0%/*}/log"')
    return tmp_path


def stand_in(folder, name, body):
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def set_up(machine, *arguments):
    environment = {"PATH": str(machine), "PYTHON": str(machine / "python"), "LANG": os.environ.get("LANG", "C")}
    result = subprocess.run([ROOT / "scripts" / "set-up.sh", *arguments], env=environment, capture_output=True, text=True)
    log = machine / "log"
    return result, log.read_text().replace(f"{machine}/", "") if log.exists() else ""


def test_an_ordinary_user_is_told_what_to_install(machine):
    result, log = set_up(machine, "demo")
    assert result.returncode == 1
    assert result.stderr == f"set-up: these Debian packages are missing, and only root can install them: sudo apt-get install {' '.join(PACKAGES)}\n"
    assert log == ""


def test_root_installs_only_what_is_missing(machine):
    stand_in(machine, "id", "echo 0")
    stand_in(machine, "dpkg-query", "\n".join(f"echo {package} installed" for package in PACKAGES if package not in ("cmake", "catch2")) + "\necho catch2 config-files")
    result, log = set_up(machine, "demo", "test")
    assert result.returncode == 0, result.stderr
    assert log.splitlines() == [
        "apt-get update -q",
        "apt-get install -qy --no-install-recommends cmake catch2",
        "python scripts/python_packages.py --check-only demo test",
    ]


def test_sudo_is_used_where_it_asks_nothing(machine):
    stand_in(machine, "sudo", 'shift; "$@"')
    result, log = set_up(machine)
    assert result.returncode == 0, result.stderr
    assert log.splitlines()[1] == f"apt-get install -qy --no-install-recommends {' '.join(PACKAGES)}"


def test_nothing_is_installed_twice(machine):
    stand_in(machine, "dpkg-query", "\n".join(f"echo {package} installed" for package in PACKAGES))
    result, log = set_up(machine, "demo")
    assert (result.returncode, result.stdout) == (0, "")
    assert log == "python scripts/python_packages.py --check-only demo\n"
