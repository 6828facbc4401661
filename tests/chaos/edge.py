"""The edge: an HTTPS proxy through which operators reach any host name, and which answers preflights itself."""

import re
import socket
import ssl
import subprocess
import threading

#: Names that the edge's certificate is good for.
NAMES = 'DNS:*.example.com,DNS:*.c.example.com'


class Edge:
    """`answers[host]` is 'grant' (without an entry, too), 'refuse' or 'hang'. It can be changed at any time."""

    def __init__(self, folder):
        folder.mkdir()
        self.answers = {}
        self.authority = folder / 'ca.pem'
        self.tls = _certificate(folder, self.authority)
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=512)
        self.url = f'http://127.0.0.1:{self.listener.getsockname()[1]}'
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.settimeout(15)
            _read_head(connection)  # CONNECT host:443
            connection.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            with self.tls.wrap_socket(connection, server_side=True) as stream:
                if answer := self._answer(_read_head(stream)):
                    stream.sendall(answer.encode())
        except OSError:
            pass  # the operator went away, which many tests want
        finally:
            connection.close()

    def _answer(self, request):
        def header(name):
            return (re.search(rf'(?im)^{name}: *(.*?)\r?$', request) or [None, ''])[1]

        if request.startswith('GET / '):  # Horizon's login page: the dashboards are here, too
            page = '<title>Login - OpenStack Horizon</title>'
            return f'HTTP/1.1 200 OK\r\nContent-Length: {len(page)}\r\n\r\n{page}'
        how = self.answers.get(header('host').split(':')[0], 'grant')
        if how == 'hang':
            return None
        # As oslo.middleware's filter: 200 in any case, the headers only if it grants.
        cors = lists = ''
        if how == 'grant':
            cors = (f'Vary: Origin\r\nAccess-Control-Allow-Origin: {header("origin")}\r\n'
                    'Access-Control-Allow-Credentials: true\r\n')
            lists = ('Access-Control-Allow-Methods: PUT\r\n'
                     f'Access-Control-Allow-Headers: {header("access-control-request-headers")}\r\n')
        if request.startswith('PUT '):  # the token check, behind the filter
            return ('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Keystone uri="https://keystone"\r\n'
                    f'Content-Length: 0\r\n{cors}\r\n')
        return f'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{cors}{lists}\r\n'


def _read_head(stream):
    data = b''
    while not data.endswith(b'\r\n\r\n'):
        chunk = stream.recv(4096)
        if not chunk:
            raise OSError('the connection ended')
        data += chunk
    return data.decode()


def _certificate(folder, authority):
    """Makes a CA and a certificate; returns the server's side of TLS."""
    def openssl(*arguments):
        subprocess.run(['openssl', *arguments], check=True, capture_output=True)

    new_key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes')
    openssl('req', '-x509', *new_key, '-subj', '/CN=edge', '-days', '9', '-keyout', folder / 'ca.key',
            '-out', authority, '-addext', 'basicConstraints=critical,CA:TRUE')
    openssl('req', *new_key, '-subj', '/CN=server', '-keyout', folder / 'server.key', '-out', folder / 'server.csr')
    (folder / 'extensions').write_text(f'subjectAltName={NAMES}\n')
    openssl('x509', '-req', '-in', folder / 'server.csr', '-CA', authority, '-CAkey', folder / 'ca.key',
            '-days', '9', '-extfile', folder / 'extensions', '-out', folder / 'server.pem')
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / 'server.pem', folder / 'server.key')
    return tls
