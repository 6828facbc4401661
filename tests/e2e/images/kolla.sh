#!/bin/bash
# Runs in the base's own system: makes kolla's virtual environment. Horizon's manage.py, which kolla's start script
# runs, is in the source archive only.
set -euo pipefail
prefix=/var/lib/kolla/venv
python3 -m venv --system-site-packages "$prefix"
"$prefix/bin/pip" install --no-cache-dir "$@"
for requirement in "$@"; do
  case $requirement in
    horizon==*) "$prefix/bin/pip" download --no-cache-dir --no-deps --no-binary :all: --dest "$prefix/sources" "$requirement" ;;
  esac
done
"$prefix/bin/pip" freeze >"$prefix/requirements.txt"
