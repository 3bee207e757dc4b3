#!/bin/sh
# other-pythons.sh VENV TESTS...: the quick tests with Python 3.13, in VENV, where it is installed.
# The whole suite runs with the Python of .venv; this finds what only another version breaks.
set -eu
venv=$1
shift

python=
for candidate in python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python; do
  # A stand-in of pyenv may be there without the version behind it.
  if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "Python 3.13 is not installed: nothing was tested with it"
  exit 0
fi

if [ ! -x "$venv/bin/pytest" ]; then
  "$python" -m venv "$venv"
  # Most of what is installed is never imported by these tests: it is compiled when it is.
  "$venv/bin/python" scripts/install.py -c constraints.txt -e . hypothesis pytest pytest-timeout
fi
echo "The quick tests with $("$venv/bin/python" --version)"
PYTHONDONTWRITEBYTECODE= "$venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
