#!/bin/bash
# Runs in the base's own system: makes the virtual environment.
set -euo pipefail
prefix=/var/lib/openstack
python3 -m venv "$prefix"
"$prefix/bin/pip" install --no-cache-dir "$@"
"$prefix/bin/pip" freeze >"$prefix/requirements.txt"
