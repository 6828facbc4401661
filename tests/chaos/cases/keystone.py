"""A Keystone whose address leads where the operator must not go."""

import socket
import threading

import cloud
import patience
from casebook import case

ADDRESSES = ('http://169.254.169.254/v3', 'http://127.0.0.1:9/v3', 'http://[fd00:ec2::254]/v3')


class Trap:
    """A proxy that notes what it is asked for."""

    def __init__(self):
        self.seen = []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self.listener.getsockname()[1]}'
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                data = connection.recv(4096)
                self.seen.append(data.split(b'\r\n')[0].decode())
                if data.startswith(b'CONNECT'):
                    connection.sendall(b'HTTP/1.1 200 ok\r\n\r\n')
                while b's3cr3t' not in data and (more := connection.recv(4096)):
                    data += more
                if b's3cr3t' in data:
                    self.seen.append('the secret')
            except OSError:
                pass


@case('cases', 'direct', 'proxy')
def ssrf(case, how):
    """directUpload.catalog.authURL is an address of this machine or of a metadata service, without and with a proxy."""
    trap = Trap()
    namespace = case.namespace()
    namespace.create({'kind': 'Secret', 'metadata': {'name': 'direct-upload-catalog'},
                      'stringData': {'id': 'the-id', 'secret': 's3cr3t'}})
    proxy = trap.url if how == 'proxy' else ''
    # As the administrator: who may read the Secret is not what is tested.
    operator = case.operator(namespace, kubeconfig=case.lab.cluster.folder / 'admin.kubeconfig',
                             environment={'HTTP_PROXY': proxy, 'HTTPS_PROXY': proxy})
    for address in ADDRESSES:
        catalog = {'authURL': address, 'applicationCredentialSecretRef': {'name': 'direct-upload-catalog'}}
        namespace.create(cloud.horizon(directUpload={'catalog': catalog}))
        told = patience.until(lambda: operator.lines(f'catalog is not read: Keystone at {address}'), 8)
        case.say(f'{address}: {told[-1][60:300] if told else "the log says nothing"}')
        case.expect(f'nothing is sent to {address}', not trap.seen, trap.seen)
        trap.seen.clear()
        namespace.delete('Horizon', 'horizon')
        case.require('the Horizon goes', patience.until(lambda: namespace.gone('Horizon'), 20))
