"""Replicas of one operator: one without leader election, or A and B with one Lease. Each is behind its own lane of the
fault proxy."""

import json
import signal
import time

import patience
from cluster import SYSTEM
from kube import path
from proxy import await_silence

#: Seconds until a replica that ended runs again, as a kubelet starts it. A standby sees the Lease expire before it.
PAUSE = 3


class Replica:
    """A process and its lane."""

    #: Since when it is known not to run.
    ended = None

    def __init__(self, lab, letter, name, namespace, *arguments, **options):
        self.letter, self.lane = letter, lab.lane(name)
        self.operator = lab.operator(name, *arguments, watch=[namespace], server=self.lane.url, **options)
        self.lane.attach(self.operator)

    def start(self):
        self.ended = None
        self.operator.start()
        self.lane.attach(self.operator)

    def revive(self, pause):
        """Starts it again if it ended so many seconds ago."""
        if not self.operator.alive():
            self.ended = self.ended or time.monotonic()
            if time.monotonic() >= self.ended + pause:
                self.start()

    def restart(self):
        self.operator.kill()
        self.start()

    def leads(self):
        """Whether it believes to."""
        return self.operator.alive() and bool(self.operator.metric('direct_upload_leader'))


class Replicas:
    """`start` them, and `end` them in any case."""

    def __init__(self, lab, namespace, count):
        self.lab, self.namespace, self.count, self.all = lab, namespace, count, []
        self.lease = path('Lease', SYSTEM, f'direct-upload-operator-{namespace.name}')

    def start(self, second=None):
        """A leads at first; `second` is for B's environment."""
        if self.count == 1:
            self._add('A', self.namespace.name)
            return
        self._offer_lease()
        for letter, environment in zip('AB', ({}, second or {})):
            name = f'{self.namespace.name}-{letter.lower()}'
            self._add(letter, name, '--instance', self.namespace.name, '--lease-namespace', SYSTEM,
                      environment={'POD_NAME': name, **environment}, leader_election=True)
            if not patience.until(self.leaders, 30):
                raise RuntimeError('the first replica does not lead')

    def _add(self, letter, name, *arguments, **options):
        self.all.append(Replica(self.lab, letter, name, self.namespace.name, *arguments, **options))

    def _offer_lease(self):
        """A Lease that a leader released: without one, A would wait for 15 s."""
        parent, name = self.lease.rsplit('/', 1)
        self.lab.kube.create(parent, {'metadata': {'name': name}, 'spec': {'leaseDurationSeconds': 1}})

    def end(self):
        for replica in self.all:
            replica.operator.kill()
            replica.lane.end()
        if self.count > 1:
            self.lab.kube.delete(self.lease)

    @property
    def a(self):
        return self.all[0]

    @property
    def b(self):
        return self.all[1]

    @property
    def operators(self):
        return [replica.operator for replica in self.all]

    @property
    def lanes(self):
        return [replica.lane for replica in self.all]

    @property
    def starts(self):
        return sum(operator.starts for operator in self.operators)

    def revive(self):
        """Starts those again that have ended, as a kubelet would."""
        for replica in self.all:
            replica.revive(PAUSE if self.count > 1 else 0)

    def restart(self):
        """The leader starts again. If there is a standby, it ends in order, and the standby takes over."""
        leader = next((replica for replica in self.all if replica.leads()), self.a)
        if self.count > 1:
            leader.operator.signal(signal.SIGTERM)
            leader.operator.process.wait(30)
            patience.until(self.leaders, 30)
        leader.restart()

    def ready(self):
        return bool(self.leaders()) and all(operator.ready() for operator in self.operators)

    def disturb(self, *faults):
        for lane in self.lanes:
            lane.disturb(*faults)

    def cut(self):
        for lane in self.lanes:
            lane.cut()

    def await_silence(self, *limits):
        await_silence(self.lanes, *limits)

    def leaders(self):
        """Who believes to lead."""
        return [replica.letter for replica in self.all if replica.leads()]

    def holder(self):
        """A, B, or whatever the Lease says."""
        lease = self.lab.kube.get(self.lease) or {}
        identity = (lease.get('spec') or {}).get('holderIdentity') or 'nobody'
        return next((letter for letter in 'AB' if f'{self.namespace.name}-{letter.lower()}_' in identity), identity)

    def log(self, since=0, letters='AB'):
        """The writes of these replicas since a time, in order."""
        return [entry for entry in self._log(letters) if entry['number'] and entry['time'] > since]

    def _log(self, letters='AB'):
        entries = [{**entry, 'replica': replica.letter} for replica in self.all if replica.letter in letters
                   for entry in replica.lane.report()['log']]
        return sorted(entries, key=lambda entry: entry['time'])

    def terms(self):
        """Who led in turn, as 'ABA', and each write of a replica that did not hold the Lease, as a line to read."""
        if self.count == 1:
            return 'A', []
        terms, holder, late = '', '', []
        for entry in self._log():
            replica = entry['replica']
            if entry['number'] and not (holder and replica == terms[-1]):
                late.append(f'{replica} writes, and the Lease is of {holder or "nobody"}: {entry["method"]} '
                            f'{entry["path"].split("/namespaces/")[1]} {entry["code"]}')
            elif (written := _holder(entry)) is not None and (written or replica == terms[-1:]):
                terms += replica if written not in ('', holder) else ''
                holder = written
        return terms, late


def _holder(entry):
    """Who holds the Lease after this write ('': nobody); None if it was no write to it, or failed."""
    if '/leases' not in entry['path'] or entry['method'] == 'GET' or entry['code'] not in (200, 201):
        return None
    return json.loads(entry['body'])['spec'].get('holderIdentity') or ''
