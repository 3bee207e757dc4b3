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
# On Linux the package index has torch with gigabytes of CUDA libraries; without an NVIDIA GPU its
# CPU build is taken, where that can be reached: 2.13.0+cpu is preferred to 2.13.0.
torch_index=https://download.pytorch.org/whl/cpu
set --
if [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null && "$venv/bin/python" -c '
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=5)' "$torch_index/" 2>/dev/null; then
  set -- --extra-index-url "$torch_index"
fi

echo "Installing nasprof and what it needs (a few minutes the first time)"
"$venv/bin/python" scripts/install.py -c constraints.txt "$@" -e "$requirement"
# On all cores, where pip would take one; what is hardly ever imported waits until it is. Some
# packages hold files that are no Python of this version.
rare='tests?|testing|benchmarks|ray/(data|llm|rllib|serve|train|tune)|torch/_inductor|torchgen|mypyc?'
rare="$rare|alembic|cma|fontTools|jedi|networkx|prompt_toolkit|pygments/lexers|sqlalchemy|sympy/physics"
rare="$rare|onnxruntime/(tools|transformers)"
"$venv/bin/python" -m compileall -qq -j 0 -x "/site-packages/(.*/)?($rare)/" "$venv/lib" \
  nasprof spaces devices luts supernets profiler search || true
