"""The TLS edge: nginx, configured from the cluster's Ingress objects as a controller would do it."""

import json
import socket
import subprocess

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
    listen {address}:443 ssl;
    server_name {host};
    location / {{ proxy_pass {scheme}://{name}; }}
  }}
'''


PROTOCOL = 'nginx.ingress.kubernetes.io/backend-protocol'


class Edge:
    def __init__(self, folder, node, authority):
        self.folder, self.node, self.authority = folder, node, authority
        folder.mkdir(parents=True, exist_ok=True)
        self.configuration = folder / 'nginx.conf'
        self.log = folder / 'access.log'
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
                servers[rule['host']] = SERVER.format(
                    name=rule['host'], scheme=scheme, members=member * 4, address=self.node.address, host=rule['host'])
            self.node.kubectl('patch', 'ingress', name, '-n', namespace, '--subresource=status', '--type=merge',
                              '-p', json.dumps({'status': {'loadBalancer': {'ingress': [{'ip': self.node.address}]}}}))
        self._write(servers)
        run('nginx', '-e', self.folder / 'error.log', '-c', self.configuration, '-p', self.folder, '-s', 'reload')
        self.node.publish(servers)

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
