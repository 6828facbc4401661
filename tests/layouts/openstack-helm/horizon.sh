#!/bin/bash
# A stand-in for openstack-helm's horizon/templates/bin/_horizon.sh.tpl: the steps that matter to a
# file added to the pod, in their order, and with its `set -ex`. Those that need Django or Apache
# are left out. In a container ETC is /etc/openstack-dashboard and OWNER is horizon.
set -ex

ETC=${ETC:-/etc/openstack-dashboard}
OWNER=${OWNER:-horizon}

start() {
  local packages folder name
  packages=$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  folder=$packages/openstack_dashboard/local

  rm -f "$folder/local_settings.py"
  ln -s "$ETC/local_settings" "$folder/local_settings.py"

  # The chart writes one such line for each key of conf.horizon.local_settings_d, and no other:
  # what lies in $ETC/local_settings.d beside them is never read.
  for name in $LINKED; do
    ln -s "$ETC/local_settings.d/$name.py" "$folder/local_settings.d/$name.py"
  done

  # Here a read-only file ends the script, and with it the pod.
  chown -R "$OWNER" "$folder/"

  # manage.py collectstatic and compress load the settings before Apache does.
  python -m openstack_dashboard >/dev/null
  exec python -m openstack_dashboard
}

"${1:-start}"
