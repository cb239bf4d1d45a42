#!/bin/sh
# Puts in place what the build needs, and nothing that is there already: Debian packages, the checkout's .venv, Python packages.
#
#   scripts/set-up.sh [EXTRA...]     EXTRA is a group of pyproject.toml: demo, test, coverage
#
# PYTHON=... uses that interpreter as it is instead of making .venv; NO_APT=1 leaves Debian packages alone.
set -eu
cd "$(dirname "$0")/.."

debian_packages() {
  wanted=$(grep -v '^#' scripts/debian-packages.txt)
  if ! command -v dpkg-query > /dev/null; then
    echo "set-up: neither Debian nor Ubuntu; CMake will name what is missing of:" $wanted
    return
  fi
  # `dpkg-query` fails where a package is unknown, and then still lists the others.
  installed=$(LC_ALL=C dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2> /dev/null | sed -n 's/ installed$//p') || true
  missing=
  for package in $wanted; do
    echo "$installed" | grep -qxF "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    as_root="sudo -n"
  else
    echo "set-up: these Debian packages are missing, and only root can install them: sudo apt-get install$missing" >&2
    exit 1
  fi
  echo "set-up: installing$missing"
  $as_root env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -q && apt-get install -qy --no-install-recommends $missing"
}

if [ -z "${NO_APT:-}" ]; then
  debian_packages
fi

if [ -n "${PYTHON:-}" ]; then
  exec "$PYTHON" scripts/python_packages.py --check-only "$@"
fi
if ! [ -x .venv/bin/pip ]; then
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "set-up: LMTX needs Python 3.10 or newer, but python3 is $(python3 --version)." >&2; exit 1; }
  echo "set-up: making .venv"
  python3 -m venv .venv
fi
exec .venv/bin/python scripts/python_packages.py "$@"
