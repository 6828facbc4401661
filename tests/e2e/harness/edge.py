"""The TLS edge: nginx, configured from the cluster's Ingress objects as a controller would do it."""

import contextlib
import json
import socket
import struct
import subprocess
import threading
import time

from .shell import run, until

MAIN = '''\
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  log_format upload escape=json '{{"time":"$time_iso8601","host":"$host","method":"$request_method",'
    '"uri":"$uri","status":$status,"received":$request_length,"seconds":$request_time,"upstream":"$upstream_status"}}';
  access_log {folder}/access.log upload;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_http_version 1.1;
  proxy_read_timeout 3600s;
  proxy_send_timeout 3600s;
  proxy_connect_timeout 2s;
  proxy_ssl_trusted_certificate {authority};
  proxy_ssl_verify on;
  proxy_ssl_server_name on;
  proxy_ssl_name $host;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Forwarded-For $remote_addr;
{servers}}}
'''
# Four times the same address: the Service's. A connection that meets a pod just gone is tried anew,
# as controllers do that know each endpoint.
SERVER = '''\
  upstream {name} {{ {members} }}
  server {{
    {listens}
    server_name {host};
    {locations}
  }}
'''
# `@PASS@` stands for the way to the Service.
LOCATIONS = 'location / { @PASS@ }'
# Another way for uploads alone: OPTIONS and all else pass as before.
ON_PUT = '''\
error_page 418 = @put;
    location / { if ($request_method = PUT) { return 418; } @PASS@ }
    location @put { %s }
'''

PROTOCOL = 'nginx.ingress.kubernetes.io/backend-protocol'


# After so many seconds Pods resolve a name anew.
DNS = 2


class Edge:
    def __init__(self, folder, node, authority):
        self.folder, self.node, self.authority = folder, node, authority
        folder.mkdir(parents=True, exist_ok=True)
        self.configuration = folder / 'nginx.conf'
        self.log = folder / 'access.log'
        self.locations = {}
        # Hosts that are served elsewhere than the others: at which address, and at which port.
        self.moved = {}
        # The address that serves every host in addition to the host's own address.
        self.others = []
        self._write({})
        self.process = subprocess.Popen(
            ['nginx', '-e', folder / 'error.log', '-c', self.configuration, '-p', folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: (folder / 'pid').exists(), 'nginx runs', 10)

    def sync(self, keep=()):
        """Serves every host of every Ingress, tells DNS, and reports the address in their status.

        Hosts to `keep` go on leading where they led, though no Ingress names them any more.
        """
        services = {(s['metadata']['namespace'], s['metadata']['name']): s
                    for s in self.node.list('services')}
        servers = {host: self.servers[host] for host in keep}
        for ingress in self.node.list('ingresses'):
            namespace, name = ingress['metadata']['namespace'], ingress['metadata']['name']
            scheme = ingress['metadata'].get('annotations', {}).get(PROTOCOL, 'HTTP').lower()
            for rule in ingress['spec']['rules']:
                backend = rule['http']['paths'][0]['backend']['service']
                service = services.get((namespace, backend['name']))
                if service is None:
                    continue
                port = next(p['port'] for p in service['spec']['ports']
                            if backend['port'] in ({'name': p.get('name')}, {'number': p['port']}))
                member = f'server {service["spec"]["clusterIP"]}:{port} max_fails=0;'
                host = rule['host']
                locations = self.locations.get(host, LOCATIONS).replace('@PASS@', f'proxy_pass {scheme}://{host};')
                places = [self.moved.get(host, (self.node.address, 443)), *((other, 443) for other in self.others)]
                servers[host] = SERVER.format(
                    name=host, members=member * 4, host=host, locations=locations,
                    listens=' '.join(f'listen {address}:{port} ssl;' for address, port in places))
            self.node.kubectl('patch', 'ingress', name, '-n', namespace, '--subresource=status', '--type=merge',
                              '-p', json.dumps({'status': {'loadBalancer': {'ingress': [{'ip': self.node.address}]}}}))
        self._write(servers)
        run('nginx', '-e', self.folder / 'error.log', '-c', self.configuration, '-p', self.folder, '-s', 'reload')
        self.node.publish({host: self.moved.get(host, (self.node.address,))[0] for host in servers})

    @contextlib.contextmanager
    def broken(self, host, locations):
        """Serves this host otherwise for the body of a `with`."""
        self.locations[host] = locations
        self.sync()
        try:
            yield
        finally:
            del self.locations[host]
            self.sync()

    @contextlib.contextmanager
    def at(self, host, address=None, port=443):
        """Serves this host at another address or port for the body of a `with`."""
        self.moved[host] = (address or self.node.address, port)
        self.sync()
        time.sleep(DNS)
        try:
            yield
        finally:
            del self.moved[host]
            self.sync()

    @contextlib.contextmanager
    def also_at(self, address):
        """Serves every host at this address, too, for the body of a `with`."""
        self.others.append(address)
        try:
            self.sync()
            yield
        finally:
            self.others.remove(address)
            self.sync()

    def requests(self):
        """What passed through, as the edge saw it."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def _write(self, servers):
        self.servers = servers
        self.configuration.write_text(MAIN.format(
            folder=self.folder, servers=''.join(servers.values()),
            certificate=self.authority.server_certificate, key=self.authority.server_key,
            authority=self.authority.certificate))

    def connect(self, address, *arguments, **options):
        """For http.client: every public name is here."""
        return socket.create_connection((self.node.address, address[1]), *arguments, **options)

    def close(self):
        self.process.terminate()
        self.process.wait(20)


class Cutter:
    """Relays TCP connections to an address, and resets each of them so many seconds after it began."""

    def __init__(self, host, port, seconds):
        self.target, self.seconds = (host, port), seconds
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                near = self.listener.accept()[0]
                threading.Thread(target=self._relay, args=(near,), daemon=True).start()

    def _relay(self, near):
        far = socket.create_connection(self.target)

        def cut():
            for end in (near, far):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RD)
                end.close()
        timer = threading.Timer(self.seconds, cut)
        timer.start()
        back = threading.Thread(target=copy, args=(far, near), daemon=True)
        back.start()
        copy(near, far)
        back.join()
        timer.cancel()
        near.close()
        far.close()


def copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
