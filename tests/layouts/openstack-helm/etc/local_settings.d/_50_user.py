# A snippet of the user's own: conf.horizon.local_settings_d._50_user in the chart's values.
SITE_BRANDING = 'Example Cloud'
CSRF_TRUSTED_ORIGINS = ['https://horizon.openstackhelm.example.com']
