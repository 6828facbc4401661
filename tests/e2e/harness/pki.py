"""A private CA, one certificate for all public names, and what else is asked of it. The CA is in no
trust store but ours."""

from .shell import run


class Authority:
    def __init__(self, folder, names):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.certificate, self.key = folder / 'ca.crt', folder / 'ca.key'
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-days', '2', '-subj', '/CN=private CA of the cloud', '-keyout', self.key, '-out', self.certificate)
        self.server_certificate, self.server_key = self.issue('server', names)

    def issue(self, stem, names):
        """A new certificate for these names, and its key."""
        certificate, key, request, extensions = (
            self.folder / f'{stem}.{kind}' for kind in ('crt', 'key', 'csr', 'extensions'))
        run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-subj', f'/CN={names[0]}', '-keyout', key, '-out', request)
        extensions.write_text('extendedKeyUsage=serverAuth\nsubjectAltName='
                              + ','.join(f'DNS:{name}' for name in names) + '\n')
        run('openssl', 'x509', '-req', '-days', '2', '-in', request, '-CA', self.certificate,
            '-CAkey', self.key, '-CAcreateserial', '-extfile', extensions, '-out', certificate)
        return certificate, key
