"""Traefik as a Gateway: what it serves, and what it writes into statuses, is its own.

Runs beside the node, at its address, as a controller outside of the cluster. Public names lead to it.
"""

import json
import os
import pathlib
import subprocess

from .shell import run, until

HOSTS = ('horizon.cloud.test', 'glance.cloud.test', 'keystone.cloud.test')
BUILD = pathlib.Path(__file__).resolve().parents[1] / 'gateway/build'


class Gateway:
    def __init__(self, folder, node, authority):
        self.folder, self.node, self.process = folder, node, None
        folder.mkdir(parents=True)
        self.log = folder / 'access.log'
        self.built = pathlib.Path(run(BUILD, timeout=3600).strip())
        for file in sorted((self.built / 'crds').glob('*.yaml')):
            node.kubectl('apply', '--server-side', '-f', file)
        node.kubectl('apply', '-f', '-', input=json.dumps({
            'apiVersion': 'gateway.networking.k8s.io/v1', 'kind': 'GatewayClass', 'metadata': {'name': 'traefik'},
            'spec': {'controllerName': 'traefik.io/gateway-controller'}}))
        self.certificate = {'tls.crt': authority.server_certificate.read_text(), 'tls.key': authority.server_key.read_text()}

    def start(self, **timeouts):
        """`timeouts`: respondingTimeouts of the entry point; without any, Traefik's own."""
        self.stop()
        entry_point = {'address': f'{self.node.address}:443'}
        if timeouts:
            entry_point['transport'] = {'respondingTimeouts': timeouts}
        configuration = self.folder / 'traefik.json'
        configuration.write_text(json.dumps({
            'global': {'checkNewVersion': False, 'sendAnonymousUsage': False},
            'entryPoints': {'websecure': entry_point},
            'providers': {
                'kubernetesGateway': {'statusAddress': {'ip': self.node.address}},
                'kubernetesCRD': {},
            },
            'accessLog': {'filePath': str(self.log), 'format': 'json'},
            'log': {'level': 'INFO', 'filePath': str(self.folder / 'traefik.log')},
        }))
        # It reads YAML and TOML; JSON is YAML.
        configuration = configuration.rename(configuration.with_suffix('.yaml'))
        with open(self.folder / 'output', 'ab') as output:
            self.process = subprocess.Popen(
                [self.built / 'traefik', f'--configFile={configuration}'], stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, env={**os.environ, 'KUBECONFIG': self.node.env['KUBECONFIG']})
        self.node.publish({host: self.node.address for host in HOSTS})
        return self

    def serves(self, namespace):
        """Waits until Traefik itself says that it does what each route asks."""
        def accepted():
            routes = self.node.list('httproutes', '-n', namespace)
            parents = [parent for route in routes for parent in route.get('status', {}).get('parents', [])]
            return len(parents) == len(routes) and all(
                condition['status'] == 'True' for parent in parents for condition in parent['conditions'])
        until(accepted, lambda: json.dumps(self.node.list('httproutes', '-n', namespace)), 120)

    def requests(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process = None
