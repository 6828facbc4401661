"""Two replicas, of which the first one, A, leads. At no time may both write; see replicas.py."""

import signal
import threading
import time

import patience
from casebook import case
from kube import ApiError


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
    replicas = case.replicas(namespace, **options)
    case.require('the pair becomes ready', namespace.await_verified())
    return replicas


def expect_no_overlap(case, replicas, since):
    """B takes over, and each replica writes only in its own terms."""
    written = {letter: replicas.log(since, letter) for letter in 'AB'}
    terms, late = replicas.terms()
    seen = f'terms {terms}; A wrote {len(written["A"])} times, B {len(written["B"])} times'
    case.expect('the second replica takes over', written['B'], seen)
    case.expect('no replica writes in the term of the other', not late, f'{seen}, {late[:4]}')


@case('cases')
def lease_pause(case):
    """The leader is stopped for 25 s while there is work, then it goes on."""
    replicas = led_pair(case)
    with Churn(replicas.namespace, 0.7):
        time.sleep(3)
        since = time.time()
        replicas.a.operator.signal(signal.SIGSTOP)
        time.sleep(25)
        case.expect('B holds the lease while A is stopped', replicas.holder() == 'B', replicas.holder())
        replicas.a.operator.signal(signal.SIGCONT)
        time.sleep(12)
    expect_no_overlap(case, replicas, since)


@case('cases')
def lease_hold_write(case):
    """The leader is stopped between two writes of one reconcile; one of its writes takes 24 s on the way."""
    namespace = case.namespace()
    case.require('the pods become ready', namespace.await_pods())
    replicas = case.replicas(namespace)
    replicas.a.lane.disturb({'on': 'write', 'at': 2, 'do': 'delay', 'seconds': 24})
    since = time.time()
    namespace.add_pair()
    time.sleep(3)
    replicas.a.operator.signal(signal.SIGSTOP)
    time.sleep(19)
    case.expect('B holds the lease while A is stopped', replicas.holder() == 'B', replicas.holder())
    replicas.a.operator.signal(signal.SIGCONT)
    time.sleep(12)
    expect_no_overlap(case, replicas, since)
    case.expect('the pair becomes ready', patience.until(namespace.verified, 30), namespace.condition('Horizon'))


@case('cases')
def lease_handover(case):
    """The leader ends in order while there is work, five times."""
    replicas = led_pair(case)
    with Churn(replicas.namespace, 0.4):
        since = time.time()
        for _ in range(5):
            time.sleep(3)
            replicas.restart()
    expect_no_overlap(case, replicas, since)
    case.expect('each time the standby leads', replicas.terms()[0] == 'ABABAB', replicas.terms()[0])
    case.expect('the pair is ready', replicas.namespace.await_verified(), replicas.namespace.condition('Horizon'))


@case('cases')
def lease_api(case):
    """For 60 s each request of the leader for the lease fails with 500; all others go through."""
    replicas = led_pair(case)
    with Churn(replicas.namespace, 2):
        since = time.time()
        replicas.a.lane.disturb({'on': 'any', 'match': '/leases', 'do': 'status', 'code': 500})
        time.sleep(60)
        case.expect('B holds the lease after 60 s', replicas.holder() == 'B', replicas.holder())
    expect_no_overlap(case, replicas, since)
    case.expect('A does not believe to lead', replicas.leaders() == ['B'],
                f'leaders {replicas.leaders()}, A alive {replicas.a.operator.alive()}')


@case('cases')
def lease_partition(case):
    """The leader cannot reach the API server at all for 45 s."""
    replicas = led_pair(case)
    with Churn(replicas.namespace, 1):
        time.sleep(1)
        replicas.a.lane.disturb({'on': 'any', 'do': 'drop-before'})
        replicas.a.lane.cut()
        time.sleep(45)
        healed = time.time()
        replicas.a.lane.disturb()
        time.sleep(40)
    written = replicas.log(healed, 'A')
    last = f', the last {written[-1]["time"] - healed:.1f} s after it' if written else ''
    case.expect('A writes nothing after it can again', not written,
                f'{len(written)} writes{last}; holder {replicas.holder()}, A alive {replicas.a.operator.alive()}')
    case.expect('B holds the lease', replicas.holder() == 'B', replicas.holder())


@case('cases')
def lease_deleted(case):
    """Somebody deletes the lease of a living leader; then the second replica starts anew."""
    replicas = led_pair(case)
    replicas.namespace.kube.delete(replicas.lease)
    remade = patience.until(lambda: replicas.holder() == 'A', 35)
    case.expect('the leader makes the lease again within 35 s', remade,
                f'holder {replicas.holder()}, leaders {replicas.leaders()}')
    with Churn(replicas.namespace, 1):
        since = time.time()
        replicas.b.restart()
        time.sleep(35)
    written = {letter: replicas.log(since, letter) for letter in 'AB'}
    case.expect('only one of both writes', not (written['A'] and written['B']),
                f'A {len(written["A"])}, B {len(written["B"])} writes; holder {replicas.holder()}')


@case('cases')
def lease_deleted_dead(case):
    """The lease is deleted, and then the leader dies."""
    replicas = led_pair(case)
    replicas.namespace.kube.delete(replicas.lease)
    time.sleep(2)
    replicas.a.operator.kill()
    took_over = patience.until(lambda: replicas.leaders() == ['B'], 75)
    case.expect('the standby takes over within 75 s', took_over,
                f'holder {replicas.holder()}, leaders {replicas.leaders()}, '
                f'{[line[20:150] for line in replicas.b.operator.lines("watcher error")][-1:]}')


@case('cases', 'pods', 'deployments', 'configmaps')
def lease_stale(case, kind):
    """Direct upload is switched off, the leader dies, and it is switched on again. The standby that takes over has a
    watch that is 45 s late, and must not act on what it saw before."""
    replicas = led_pair(case)
    namespace, since = replicas.namespace, time.time()
    replicas.b.lane.disturb({'on': 'event', 'at': 1, 'match': f'/{kind}', 'do': 'delay-stream', 'seconds': 45})
    namespace.enable(False)
    off = patience.until(lambda: namespace.is_ready('Glance', None, 'NoOrigins') and not namespace.direct_pods(), 30)
    case.require('it is switched off', off and patience.until(lambda: len(namespace.ready_pods()) == 4, 30))
    replicas.a.operator.kill()
    namespace.enable()
    case.expect('the standby leads', patience.until(lambda: replicas.leaders() == ['B'], 30), replicas.leaders())
    case.expect('the pair becomes ready', patience.until(lambda: namespace.is_direct() and namespace.verified(), 75),
                f'{time.time() - since:.0f} s, {namespace.condition("Horizon")}')
    violations, rolls = case.lab.monitor.check(namespace.name)
    case.expect('Glance accepts the origin before Horizon is direct', not violations, violations)
    expect_no_overlap(case, replicas, since)


@case('cases')
def lease_skew(case):
    """The standby's clock is 30 s ahead."""
    environment = {'LD_PRELOAD': str(case.lab.skew), 'SKEW': '30'}
    replicas = led_pair(case, second=environment)
    with Churn(replicas.namespace, 1):
        since, seen = time.time(), set()
        while time.time() < since + 40:
            seen.add(replicas.holder())
            replicas.revive()
            time.sleep(1)
    starts = (replicas.a.operator.starts, replicas.b.operator.starts)
    case.expect('the living leader keeps the lease', seen == {'A'}, f'holders {sorted(seen)}')
    case.expect('no replica ends', starts == (1, 1), f'starts of A and B {starts}')
    written = replicas.log(since, 'B')
    case.expect('B writes nothing', not written, f'{len(written)} writes')
