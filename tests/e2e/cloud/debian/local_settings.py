# The administrator's own settings: nothing about direct upload in them.
from openstack_dashboard.settings import HORIZON_CONFIG  # noqa: F401

DEBUG = False
SECRET_KEY = 'shared by the replicas'
SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'
ALLOWED_HOSTS = ['*']
SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')
OPENSTACK_KEYSTONE_URL = 'http://keystone:5000/v3'
OPENSTACK_ENDPOINT_TYPE = 'internalURL'
TIME_ZONE = 'UTC'
