"""The fault proxy (faultproxy/), built and run: a lane for each operator."""

import json
import os
import subprocess
import time
import urllib.request

from cluster import REPOSITORY

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Proxy:
    def __init__(self, folder, upstream):
        program = folder / 'faultproxy'
        environment = {**os.environ, 'CGO_ENABLED': '0', 'GOFLAGS': '-buildvcs=false', 'GOWORK': 'off'}
        subprocess.run(['go', 'build', '-o', program, '.'], check=True, env=environment,
                       cwd=REPOSITORY / 'tests/chaos/faultproxy')
        self.process = subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', '--', program, '-upstream', upstream],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.control = self.process.stdout.readline().strip()

    def call(self, path, lane, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f'http://{self.control}{path}?lane={lane}', data)
        with _direct.open(request, timeout=20) as answer:
            return answer.read().decode()

    def end(self):
        self.process.kill()
        self.process.wait()


class Lane:
    """The way of one operator to the API server."""

    def __init__(self, proxy, name):
        self.proxy, self.name = proxy, name
        self.url = f'https://127.0.0.1:{proxy.call("/new", name)}'

    def attach(self, operator):
        """Says which process the faults kill."""
        self.proxy.call('/set', self.name, {'pid': operator.pid})

    def disturb(self, *faults):
        """Replaces the faults: dictionaries, see fault.go."""
        self.proxy.call('/set', self.name, {'faults': faults})

    def cut(self):
        """Ends all watches."""
        self.proxy.call('/cut', self.name)

    def writes(self):
        """How many there were so far, and how many of them have no answer yet."""
        return tuple(map(int, self.proxy.call('/writes', self.name).split()))

    def log(self):
        """The writes in order, without those of a Lease."""
        return [entry for entry in self.report()['log'] if entry['number']]

    def report(self):
        return json.loads(self.proxy.call('/log', self.name))

    def end(self):
        self.proxy.call('/end', self.name)


def await_silence(lanes, seconds=2.6, limit=20):
    """Waits until no write through these lanes has begun for a while, and none waits for its answer.

    A watch returns up to 1.6 seconds after its connection broke. What it then sees may need one more write.
    """
    before, since = None, time.monotonic()
    end = since + limit
    while time.monotonic() - since < seconds and time.monotonic() < end:
        now = [lane.writes() for lane in lanes]
        if now != before or any(waiting for _, waiting in now):
            before, since = now, time.monotonic()
        time.sleep(0.2)
