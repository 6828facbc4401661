"""A private CA, and one certificate for all public names. The CA is in no trust store but ours."""

from .shell import run


class Authority:
    def __init__(self, folder, names):
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / 'ca.crt'
        self.server_key = folder / 'server.key'
        self.server_certificate = folder / 'server.crt'
        key, request, extensions = folder / 'ca.key', folder / 'server.csr', folder / 'extensions'
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-days', '2', '-subj', '/CN=private CA of the cloud', '-keyout', key, '-out', self.certificate)
        run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-subj', f'/CN={names[0]}', '-keyout', self.server_key, '-out', request)
        extensions.write_text('extendedKeyUsage=serverAuth\nsubjectAltName='
                              + ','.join(f'DNS:{name}' for name in names) + '\n')
        run('openssl', 'x509', '-req', '-days', '2', '-in', request, '-CA', self.certificate,
            '-CAkey', key, '-CAcreateserial', '-extfile', extensions, '-out', self.server_certificate)
