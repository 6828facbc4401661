# Enable direct upload to Glance
OPENSTACK_GLANCE_DIRECT_UPLOAD = True

# Glance public endpoint (must be reached by browsers)
GLANCE_ENDPOINT = 'https://glance.example.org:9292'

CORS_ALLOW_ALL_ORIGINS = False
CORS_ALLOWED_ORIGINS = [
    'https://glance.example.org',
]
CORS_PREFLIGHT_MAX_AGE = 3600
