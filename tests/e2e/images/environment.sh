#!/bin/bash
# Runs in the base's own system: makes the virtual environment, with what images in LOCI's manner
# have ready, too: the static files. Without them a pod would compile style sheets for a minute.
set -euo pipefail
prefix=/var/lib/openstack
python3 -m venv "$prefix"
export PATH=$prefix/bin:$PATH DJANGO_SETTINGS_MODULE=openstack_dashboard.settings
pip install --no-cache-dir "$@"
pip freeze >"$prefix/requirements.txt"

dashboard=$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/openstack_dashboard
cat >"$dashboard/local/local_settings.py" <<'END'
SECRET_KEY = 'for the build alone'
COMPRESS_OFFLINE = True
END
django-admin collectstatic --noinput
django-admin compress --force
rm -r "$dashboard/local/local_settings.py" "$dashboard/local/__pycache__"
chown -R horizon "$dashboard/local" "$dashboard/../static"
