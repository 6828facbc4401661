"""The few defaults that a snippet may meet; as in Horizon's own defaults.py."""

HORIZON_IMAGES_UPLOAD_MODE = 'legacy'
ANGULAR_FEATURES = {'images_panel': True, 'flavors_panel': False}
