import os
from horizon.utils import secret_key
from openstack_dashboard.settings import HORIZON_CONFIG

DEBUG = False
ALLOWED_HOSTS = ["*"]
SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_SECURE = True
HORIZON_CONFIG["simple_ip_management"] = False
LOCAL_PATH = os.path.dirname(os.path.abspath(__file__))
SECRET_KEY = "SECRET-HORIZON"
HORIZON_IMAGES_UPLOAD_MODE = 'legacy'
