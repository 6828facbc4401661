"""The operator as it is shipped: the image of `make image`, installed with deploy/."""

import pathlib

from .shell import run, until

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMESPACE = 'direct-upload-system'


class Operator:
    def __init__(self, node):
        self.node = node

    def install(self):
        self.node.kubectl('apply', '--server-side', '-k', ROOT / 'crds')
        # One that has no condition at all yet is an error to kubectl.
        until(lambda: self.node.kubectl('wait', '--for=condition=established', '--timeout=60s', 'crd',
                                        'horizons.horizon.openstack.org', 'glances.glance.openstack.org',
                                        'openstackapis.cors.openstack.org', check=False).count('condition met') == 3,
              'the definitions are established')
        self.node.kubectl('apply', '-k', ROOT / 'deploy')
        self.rolled_out()
        return self

    def remove(self):
        """With its definitions; no resource may be left."""
        for folder in ('deploy', 'crds'):
            self.node.kubectl('delete', '-k', ROOT / folder, '--timeout=120s')

    def rolled_out(self):
        self.node.kubectl('-n', NAMESPACE, 'rollout', 'status', 'deployment/direct-upload-operator', '--timeout=120s')

    def kill(self):
        """SIGKILL to every process of it; new pods at once, not after the kubelet's back-off."""
        for pid in self.pids():
            run('kill', '-KILL', pid, check=False)
        self.node.kubectl('-n', NAMESPACE, 'delete', 'pods', '--all', '--force', '--grace-period=0', check=False)

    def pids(self):
        return [entry.name for entry in pathlib.Path('/proc').iterdir()
                if entry.name.isdigit() and in_container(entry)]

    def logs(self):
        return self.node.kubectl('-n', NAMESPACE, 'logs', '--prefix', '--tail=-1', '-l',
                                 'app.kubernetes.io/name=direct-upload-operator', check=False)


def in_container(entry):
    """A process of the operator's program whose file system root is not ours."""
    try:
        return (entry / 'exe').readlink().name == 'direct-upload-operator' \
            and (entry / 'root').stat().st_ino != pathlib.Path('/').stat().st_ino
    except OSError:
        return False
