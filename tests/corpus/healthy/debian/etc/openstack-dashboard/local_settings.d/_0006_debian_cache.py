CACHES['default']['TIMEOUT'] = 600
