ALLOWED_HOSTS = ['203.0.113.10', 'cloud.osa.example']
HORIZON_IMAGES_UPLOAD_MODE = 'direct'
