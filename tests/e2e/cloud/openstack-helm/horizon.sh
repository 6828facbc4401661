#!/bin/bash
# The steps of openstack-helm's start script, in its order and with its `set -ex`.
set -ex

start() {
  SITE_PACKAGES=$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  local folder=$SITE_PACKAGES/openstack_dashboard/local

  rm -f "$folder/local_settings.py"
  ln -s /etc/openstack-dashboard/local_settings "$folder/local_settings.py"
  # One such line for each key of the chart's value conf.horizon.local_settings_d, and no other.
  ln -s /etc/openstack-dashboard/local_settings.d/_50_user.py "$folder/local_settings.d/_50_user.py"

  # A read-only file in there ends the script, and with it the pod.
  chown -R horizon "$folder/"

  export DJANGO_SETTINGS_MODULE=openstack_dashboard.settings
  django-admin collectstatic --noinput >/dev/null
  django-admin compress --force >/dev/null

  . /etc/apache2/envvars
  rm -rf /var/run/apache2/*
  mkdir -p /var/run/apache2
  exec apache2 -DFOREGROUND -C "Define SITE_PACKAGES $SITE_PACKAGES"
}

"${1:-start}"
