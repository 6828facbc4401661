# -*- coding: utf-8 -*-
import os
from django.utils.translation import gettext_lazy as _
from openstack_dashboard.settings import HORIZON_CONFIG
DEBUG = False
SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = ['https://cloud.example/openstack-horizon', 'http://horizon.openstack.svc.cluster.local:80']
ALLOWED_HOSTS = '*'
WEBROOT = '/openstack-horizon/'
SECRET_KEY = "SECRET-DJ"
HORIZON_IMAGES_UPLOAD_MODE = 'legacy'
