import os
from django.utils.translation import gettext_lazy as _
DEBUG = True
WEBROOT = '/dashboard/'
COMPRESS_OFFLINE = False
ALLOWED_HOSTS = ['*']
SECRET_KEY = 'SECRET-3'
OPENSTACK_HOST = "203.0.113.10"
OPENSTACK_KEYSTONE_URL = "http://203.0.113.10/identity"
HORIZON_IMAGES_UPLOAD_MODE = 'direct'
