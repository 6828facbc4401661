"""The Kubernetes node of tests/cluster, and kubectl."""

import json
import os
import pathlib
import subprocess

from .shell import run, say

CLUSTER = pathlib.Path(__file__).resolve().parents[2] / 'cluster/cluster'


class Node:
    """Runs until close(), and not longer than this process: its standard input is our pipe."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [CLUSTER, 'up', '--node', '--keep', '--until-stdin-closes', folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith('ready '):
            raise RuntimeError('the node did not start; the reason is above')
        output = run('bash', '-c', f'. {folder}/env && env -0')
        self.env = dict(entry.split('=', 1) for entry in output.split('\0') if '=' in entry)
        self.address = self.env['DUO_NODE_ADDRESS']
        self.hosts = pathlib.Path(self.env['DUO_NODE_HOSTS'])

    def kubectl(self, *arguments, **options):
        return run('kubectl', *arguments, env=self.env, **options)

    def get(self, *arguments):
        return json.loads(self.kubectl('get', *arguments, '-o', 'json'))

    def list(self, kind, *arguments):
        return self.get(kind, *(arguments or ['--all-namespaces']))['items']

    def import_images(self, *archives):
        for archive in archives:
            say(f'importing {archive}')
            subprocess.run([CLUSTER, 'image', 'import', archive], check=True, env={**os.environ, **self.env})

    def publish(self, addresses):
        """Lets the cluster's DNS answer these names with their addresses."""
        self.hosts.write_text(''.join(f'{address} {name}\n' for name, address in sorted(addresses.items())))

    def close(self):
        self.process.stdin.close()
        self.process.wait(120)
