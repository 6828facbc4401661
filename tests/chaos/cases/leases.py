"""Two replicas, each behind a lane of the fault proxy; the first one, A, leads. At no time may both write."""

import signal
import threading
import time

import cloud
import patience
from casebook import case
from cluster import SYSTEM
from kube import ApiError, path


class Replicas:
    """Both, and the Lease that they share."""

    def __init__(self, case, namespace, second=None):
        self.case, self.namespace = case, namespace
        self.instance = namespace.name
        self.a, self.lane_a = self._start('A')
        leads = patience.until(lambda: self.a.lines('this replica is the active leader now'), 30)
        case.require('the first replica leads', leads)
        self.b, self.lane_b = self._start('B', second)

    def _start(self, letter, environment=None):
        name = f'{self.namespace.name}-{letter.lower()}'
        lane = self.case.lane(name)
        operator = self.case.operator(
            self.namespace, name=name, arguments=('--instance', self.instance, '--lease-namespace', SYSTEM),
            server=lane.url, environment={'POD_NAME': name, **(environment or {})}, leader_election=True)
        return operator, lane

    def lease_path(self):
        return path('Lease', SYSTEM, f'direct-upload-operator-{self.instance}')

    def holder(self):
        """A, B, or whatever the Lease says."""
        lease = self.namespace.kube.get(self.lease_path()) or {}
        identity = (lease.get('spec') or {}).get('holderIdentity') or 'nobody'
        return next((letter for letter in 'AB' if f'{self.namespace.name}-{letter.lower()}' in identity), identity)

    def leaders(self):
        """Who believes to lead, by its metric."""
        return [letter for letter, operator in (('A', self.a), ('B', self.b))
                if operator.alive() and operator.metric('direct_upload_leader')]

    def expect_no_overlap(self, since):
        """A writes nothing once B has begun to."""
        written_a, written_b = ([entry for entry in lane.log() if entry['number'] and entry['time'] > since]
                                for lane in (self.lane_a, self.lane_b))
        if not self.case.expect('the second replica takes over', written_b, f'A wrote {len(written_a)} times'):
            return
        first = written_b[0]['time']
        late = [entry for entry in written_a if entry['time'] > first]
        seen = [f'+{entry["time"] - first:.2f} s {entry["method"]} {entry["path"].split("/namespaces/")[1]} '
                f'{entry["code"]}' for entry in late]
        self.case.expect("A writes nothing after B's first write", not late,
                         f'A {len(late)} times: {seen[:4]}; B wrote {len(written_b)} times')


class Churn:
    """Changes Horizon's host again and again, so that there is always something to write."""

    def __init__(self, namespace, every):
        self.namespace, self.every, self.ended = namespace, every, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        number = 0
        while not self.ended.wait(self.every):
            number += 1
            try:
                self.namespace.set_host('horizon', f'h{number % 7}.example.com')
            except (ApiError, OSError):
                pass

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def led_pair(case, **options):
    """A verified pair with two replicas."""
    namespace = case.namespace()
    namespace.add_pair()
    replicas = Replicas(case, namespace, **options)
    case.require('the pair becomes ready', namespace.await_verified())
    return replicas


@case('cases')
def lease_pause(case):
    """The leader is stopped for 25 s while there is work, then it goes on."""
    replicas = led_pair(case)
    with Churn(replicas.namespace, 0.7):
        time.sleep(3)
        since = time.time()
        replicas.a.signal(signal.SIGSTOP)
        time.sleep(25)
        case.expect('B holds the lease while A is stopped', replicas.holder() == 'B', replicas.holder())
        replicas.a.signal(signal.SIGCONT)
        time.sleep(12)
    replicas.expect_no_overlap(since)


@case('cases')
def lease_hold_write(case):
    """The leader is stopped between two writes of one reconcile; one of its writes takes 24 s on the way."""
    namespace = case.namespace()
    case.require('the pods become ready', namespace.await_pods())
    replicas = Replicas(case, namespace)
    replicas.lane_a.disturb({'on': 'write', 'at': 2, 'do': 'delay', 'seconds': 24})
    since = time.time()
    namespace.add_pair()
    time.sleep(3)
    replicas.a.signal(signal.SIGSTOP)
    time.sleep(19)
    case.expect('B holds the lease while A is stopped', replicas.holder() == 'B', replicas.holder())
    replicas.a.signal(signal.SIGCONT)
    time.sleep(12)
    replicas.expect_no_overlap(since)
    case.expect('the pair becomes ready', patience.until(namespace.verified, 30), namespace.condition('Horizon'))


@case('cases')
def lease_api(case):
    """For 60 s each request of the leader for the lease fails with 500; all others go through."""
    replicas = led_pair(case)
    with Churn(replicas.namespace, 2):
        since = time.time()
        replicas.lane_a.disturb({'on': 'any', 'match': '/leases', 'do': 'status', 'code': 500})
        time.sleep(60)
        case.expect('B holds the lease after 60 s', replicas.holder() == 'B', replicas.holder())
    replicas.expect_no_overlap(since)
    case.expect('A does not believe to lead', replicas.leaders() == ['B'],
                f'leaders {replicas.leaders()}, A alive {replicas.a.alive()}')


@case('cases')
def lease_partition(case):
    """The leader cannot reach the API server at all for 45 s."""
    replicas = led_pair(case)
    with Churn(replicas.namespace, 1):
        time.sleep(1)
        replicas.lane_a.disturb({'on': 'any', 'do': 'drop-before'})
        replicas.lane_a.cut()
        time.sleep(45)
        healed = time.time()
        replicas.lane_a.disturb()
        time.sleep(40)
    written = [entry for entry in replicas.lane_a.log() if entry['number'] and entry['time'] > healed]
    last = f', the last {written[-1]["time"] - healed:.1f} s after it' if written else ''
    case.expect('A writes nothing after it can again', not written,
                f'{len(written)} writes{last}; holder {replicas.holder()}, A alive {replicas.a.alive()}')
    case.expect('B holds the lease', replicas.holder() == 'B', replicas.holder())


@case('cases')
def lease_deleted(case):
    """Somebody deletes the lease of a living leader; then the second replica starts anew."""
    replicas = led_pair(case)
    replicas.namespace.kube.delete(replicas.lease_path())
    remade = patience.until(lambda: replicas.holder() == 'A', 35)
    case.expect('the leader makes the lease again within 35 s', remade,
                f'holder {replicas.holder()}, leaders {replicas.leaders()}')
    with Churn(replicas.namespace, 1):
        since = time.time()
        replicas.b.restart()
        time.sleep(35)
    written = {letter: [entry for entry in lane.log() if entry['number'] and entry['time'] > since]
               for letter, lane in (('A', replicas.lane_a), ('B', replicas.lane_b))}
    case.expect('only one of both writes', not (written['A'] and written['B']),
                f'A {len(written["A"])}, B {len(written["B"])} writes; holder {replicas.holder()}')


@case('cases')
def lease_deleted_dead(case):
    """The lease is deleted, and then the leader dies."""
    replicas = led_pair(case)
    replicas.namespace.kube.delete(replicas.lease_path())
    time.sleep(2)
    replicas.a.kill()
    took_over = patience.until(lambda: replicas.leaders() == ['B'], 75)
    case.expect('the standby takes over within 75 s', took_over,
                f'holder {replicas.holder()}, leaders {replicas.leaders()}, '
                f'{[line[20:150] for line in replicas.b.lines("watcher error")][-1:]}')


@case('cases')
def lease_skew(case):
    """The standby's clock is 30 s ahead."""
    environment = {'LD_PRELOAD': str(case.lab.skew), 'SKEW': '30'}
    replicas = led_pair(case, second=environment)
    with Churn(replicas.namespace, 1):
        since, seen = time.time(), set()
        while time.time() < since + 40:
            seen.add(replicas.holder())
            for operator in (replicas.a, replicas.b):
                if not operator.alive():
                    operator.start()
            time.sleep(1)
    starts = (replicas.a.starts, replicas.b.starts)
    case.expect('the living leader keeps the lease', seen == {'A'}, f'holders {sorted(seen)}')
    case.expect('no replica ends', starts == (1, 1), f'starts of A and B {starts}')
    written = [entry for entry in replicas.lane_b.log() if entry['number'] and entry['time'] > since]
    case.expect('B writes nothing', not written, f'{len(written)} writes')
