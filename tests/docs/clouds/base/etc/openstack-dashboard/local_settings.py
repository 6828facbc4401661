ALLOWED_HOSTS = ['horizon.example.com']
