#!/bin/sh
# setup.sh VENV REQUIREMENT: make the virtual environment if it is missing and install into it.
# On a bare Debian, as root, the packages Python needs for that are installed first.
set -eu
venv=$1 requirement=$2

python=${PYTHON:-}
if [ -z "$python" ]; then
  for candidate in python3.11 python3.12 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      python=$candidate
      break
    fi
  done
fi
if [ -z "$python" ]; then
  echo "Python 3.11 or newer is needed. On Debian: apt-get install python3 python3-venv" >&2
  exit 1
fi

if [ ! -x "$venv/bin/pip" ]; then
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt-get -qq update && apt-get -qq install -y python3-venv >/dev/null
    else
      echo "Python's venv module is missing. On Debian: apt-get install python3-venv" >&2
      exit 1
    fi
  fi
  echo "Making a virtual environment in $venv"
  "$python" -m venv "$venv"
fi
echo "Installing nasprof and what it needs (a few minutes the first time)"
"$venv/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt -e "$requirement"
