"""Operators as processes, with the rights that deploy/ grants."""

import os
import pathlib
import re
import subprocess
import urllib.error
import urllib.request

from cluster import REPOSITORY

#: What belongs to a Pod, and would make an operator on this machine believe that it is one.
POD_VARIABLES = ('POD_NAME', 'POD_NAMESPACE')
#: Ticks of /proc/PID/stat in a second.
TICKS = os.sysconf('SC_CLK_TCK')

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def binary():
    """`OPERATOR`, or this checkout's release build, made anew where sources have changed."""
    if given := os.environ.get('OPERATOR'):
        return pathlib.Path(given).resolve()
    print('chaos: building the operator (cargo build --release); OPERATOR=FILE takes another one', flush=True)
    subprocess.run(['cargo', 'build', '--release', '--locked'], cwd=REPOSITORY, check=True)
    target = pathlib.Path(os.environ.get('CARGO_TARGET_DIR', REPOSITORY / 'target'))
    return target / 'release/direct-upload-operator'


class Operator:
    """One process. It can be killed and started again; its log goes on."""

    def __init__(self, lab, name, *arguments, server=None, environment=None, kubeconfig=None,
                 leader_election=False, interval='400ms'):
        self.name, self.log = name, lab.folder / f'operator-{name}.log'
        self.kubeconfig = lab.folder / f'kubeconfig-{name}'
        text = pathlib.Path(kubeconfig or lab.cluster.operator_kubeconfig).read_text()
        if server:  # a lane of the fault proxy, for whose certificate nobody vouches
            text = re.sub(r'certificate-authority-data: .*', 'insecure-skip-tls-verify: true', text)
            text = re.sub(r'server: .*', f'server: {server}', text)
        self.kubeconfig.write_text(text)
        self.command = [lab.binary, 'run', '--metrics-addr', '127.0.0.1:0', '--preflight-interval', interval,
                        *arguments, *([] if leader_election else ['--no-leader-election'])]
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in POD_VARIABLES},
            'KUBECONFIG': str(self.kubeconfig),
            'HTTPS_PROXY': lab.edge.url, 'NO_PROXY': '127.0.0.1', 'SSL_CERT_FILE': str(lab.edge.authority),
            'RUST_BACKTRACE': '1', 'RUST_LOG': 'info,direct_upload_operator=debug',
            **(environment or {}),
        }
        self.starts = 0
        self.process = None
        self.start()

    def start(self):
        self.starts += 1
        with open(self.log, 'ab') as log:
            # setpriv: the kernel kills it when the thread that started it ends.
            self.process = subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', '--', *self.command],
                                            env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill()
        self.start()

    def text(self):
        """The log so far."""
        return self.log.read_text(errors='replace')

    def lines(self, part):
        """The log's lines that contain this."""
        return [line for line in self.text().splitlines() if part in line]

    def panics(self):
        return self.lines('panicked') + self.lines('ended abnormally')

    def http(self, path):
        """Status and text; status 0 if it does not answer."""
        addresses = re.findall(r'address=(\S+)', self.text())
        try:
            with _direct.open(f'http://{addresses[-1]}{path}', timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, IndexError) as error:
            return 0, str(error)

    def ready(self):
        return self.http('/readyz')[0] == 200

    def healthy(self):
        return self.alive() and not self.panics() and self.http('/healthz')[0] == 200

    def metric(self, name):
        """The sum over all labels."""
        lines = self.http('/metrics')[1].splitlines()
        return sum(float(line.rsplit(' ', 1)[1]) for line in lines if re.match(rf'{re.escape(name)}[{{ ]', line))

    def memory(self, field='VmRSS'):
        """In MiB."""
        status = pathlib.Path(f'/proc/{self.pid}/status').read_text()
        return int(re.search(rf'{field}:\s+(\d+)', status).group(1)) / 1024

    def processor_time(self):
        """In seconds."""
        fields = pathlib.Path(f'/proc/{self.pid}/stat').read_text().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
