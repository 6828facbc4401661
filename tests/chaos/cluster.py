"""A control plane of its own, as tests/cluster starts it, with this project installed."""

import os
import pathlib
import signal
import subprocess

import patience
from kube import Kube, path

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LAUNCHER = REPOSITORY / 'tests/cluster/cluster'
#: Where the operator is installed.
SYSTEM = 'direct-upload-system'


class Cluster:
    """It ends with `end`, or when this process ends: then the kernel closes the launcher's standard input."""

    def __init__(self, folder, stand_in=True):
        """Begins to start it; `await_ready` is the other half."""
        self.folder = folder / 'cluster'
        self.log = folder / 'cluster.log'
        self.operator_kubeconfig = folder / 'operator.kubeconfig'
        self.kube = None
        options = [] if stand_in else ['--no-stand-in']
        with open(self.log, 'wb') as log:
            # In its own session: Ctrl-C reaches only this script, which ends the cluster in order.
            self.launcher = subprocess.Popen(
                [LAUNCHER, 'up', '--keep', '--until-stdin-closes', *options, self.folder],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)

    def await_ready(self):
        """Waits until it runs, and installs the definitions and the operator's account."""
        if not self.launcher.stdout.readline().startswith('ready '):
            raise RuntimeError(f'the control plane does not start:\n{self.log.read_text()[-3000:]}')
        self.kube = Kube(self.folder / 'admin.kubeconfig')
        self._install()

    def _install(self):
        self.kubectl('apply', '--server-side', '-k', REPOSITORY / 'crds')
        # A definition has no condition at all at first, which is an error to kubectl.
        if not patience.until(self._established, 60):
            raise RuntimeError('the definitions are never established')
        self.kubectl('apply', '-k', REPOSITORY / 'deploy')
        # The operators are processes of this machine; the Deployment only brings the account and its rights.
        self.kubectl('-n', SYSTEM, 'scale', 'deployment', 'direct-upload-operator', '--replicas=0')
        subprocess.run([LAUNCHER, 'kubeconfig-for', self.folder, SYSTEM, 'direct-upload-operator',
                        self.operator_kubeconfig], check=True)

    def _established(self):
        definitions = self.kube.items(path('CustomResourceDefinition'))
        return all(any(condition['type'] == 'Established' and condition['status'] == 'True'
                       for condition in definition.get('status', {}).get('conditions') or [])
                   for definition in definitions)

    def kubectl(self, *arguments, text=None):
        """What it prints. A failure is a RuntimeError with what it says."""
        done = subprocess.run(['bash', '-c', '. "$0/env" && exec kubectl "$@"', self.folder, *arguments],
                              input=text, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f'kubectl {arguments[0]}: {done.stderr}')
        return done.stdout

    def _processes(self):
        """Process id and command of the cluster's programs: those have its folder in their command line."""
        for entry in pathlib.Path('/proc').iterdir():
            try:
                arguments = (entry / 'cmdline').read_bytes().split(b'\0') if entry.name.isdigit() else []
            except OSError:
                continue  # it has ended
            if any(bytes(self.folder) + b'/' in argument for argument in arguments):
                yield int(entry.name), arguments[0].decode(errors='replace')

    def process(self, program):
        """The process id of one of them."""
        for pid, command in self._processes():
            if command.endswith(f'/{program}'):
                return pid
        raise RuntimeError(f'{program} does not run')

    def stop(self, program):
        os.kill(self.process(program), signal.SIGSTOP)

    def resume(self, program):
        os.kill(self.process(program), signal.SIGCONT)

    def end(self):
        self.launcher.stdin.close()
        try:
            self.launcher.wait(60)
        except subprocess.TimeoutExpired:
            self.launcher.kill()
            self.launcher.wait()
        # A program that has just started may write into the folder until it is gone.
        patience.until(lambda: not list(self._processes()), 10)
