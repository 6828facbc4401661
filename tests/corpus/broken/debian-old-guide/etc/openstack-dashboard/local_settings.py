import os

from django.utils.translation import gettext_lazy as _

DEBUG = False
ALLOWED_HOSTS = ['cloud.example.org', 'cloud-old.example.org', 'localhost', '127.0.0.1']
SECRET_KEY = 'SECRET-DJANGO'
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_SECURE = True
OPENSTACK_HOST = "keystone.example.org"
OPENSTACK_KEYSTONE_URL = "https://%s/v3" % OPENSTACK_HOST
HORIZON_IMAGES_UPLOAD_MODE = 'legacy'
TIME_ZONE = os.environ.get('TZ', 'UTC')
CACHES = {
    'default': {
        'BACKEND': 'django.core.cache.backends.memcached.PyMemcacheCache',
        'LOCATION': '127.0.0.1:11211',
    },
}
HORIZON_CONFIG = {"help_url": _("https://docs.example.org")}
