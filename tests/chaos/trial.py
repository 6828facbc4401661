"""One run of a scenario, undisturbed or with one disturbance, and what is seen of it."""

import hashlib
import re
import time
import traceback
import typing

import cloud
import patience
from namespace import RESOURCES
from replicas import Replicas
from scenarios import SCENARIOS
from state import Writes, differences, end_state, present

#: Seconds for the operator to finish after what the user did.
PATIENCE = 75
#: Seconds more with two replicas. Two faults end a leader three times at most, and each time the Lease expires first.
TAKE_OVERS = 75
#: Of cloud.glance(), in seconds.
RETIRE_AFTER = 3
#: A disturbed run may need so many writes more than an undisturbed one.
EXTRA_WRITES = 12


class Problem(typing.NamedTuple):
    #: One of: harness, unfinished, order, overlap, panic, given-back, state, rolls, writes, restart.
    kind: str
    text: str

    def __str__(self):
        return f'{self.kind}: {self.text}'


def _label(text):
    """A name for a namespace (RFC 1123): at most 63 characters, lower case, digits and hyphens."""
    text = re.sub('[^a-z0-9]+', '-', text.lower())
    return text if len(text) <= 63 else f'{text[:54]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}'


class Trial:
    """`run` fills `problems`, which are empty if all was well, and what was observed.

    A disturbance has a name (str), the time that it `lasts`, what it does `before` and `after` the user acts, and
    whether the run `ends_with_restart`.
    """

    def __init__(self, lab, scenario, disturbance=None, reference=None, attempt=0, replicas=1):
        self.lab, self.name, self.scenario, self.disturbance = lab, scenario, SCENARIOS[scenario], disturbance
        self.reference, self.count = reference, replicas
        self.title = _label(f'{scenario}-{disturbance or "undisturbed"}' + (f'-{attempt}' if attempt else ''))
        self.problems = []
        self.seconds = self.fired = self.starts = self.writes = self.state = None
        self.rolls = self.violations = self.terms = None

    def run(self):
        namespace = replicas = None
        try:
            namespace = self.lab.namespace(self.title)
            namespace.create(*cloud.services(*self.scenario.workloads))
            if not namespace.await_pods(2 * len(self.scenario.workloads)):
                raise RuntimeError('the pods do not become ready')
            replicas = Replicas(self.lab, namespace, self.count)
            replicas.start()
            self._observe(namespace, replicas)
        except Exception:  # a defect of these tests is a problem of this run, and no other's
            self._add('harness', traceback.format_exc(-2).strip())
        finally:
            if replicas:
                replicas.end()
                for operator in replicas.operators if self.problems else ():
                    self.lab.keep_log(operator)
            if namespace:
                namespace.remove()
                self.lab.monitor.forget(namespace.name)
        return self

    def _add(self, kind, *texts):
        self.problems += [Problem(kind, text) for text in texts]

    def _observe(self, namespace, replicas):
        scenario = self.scenario
        originals = {name: namespace.get('Deployment', name)['spec'] for name in scenario.workloads}
        scenario.prepare(namespace)
        if not patience.until(lambda: scenario.prepared(namespace), 60):
            raise RuntimeError('the preparation does not finish')
        replicas.await_silence()
        before = time.time()
        acted = self._act(namespace, replicas)
        done = self._await_end(namespace, replicas, acted)
        if not done:
            self._add('unfinished', f'after {self.seconds} s: Glance {namespace.condition("Glance")}, '
                                    f'Horizon {namespace.condition("Horizon")}')

        reports = [lane.report() for lane in replicas.lanes]
        self.fired, self.starts = sum(report['fired'] for report in reports), replicas.starts
        if any(report['older'] for report in reports):
            self._add('harness', 'the operator did not use HTTP/2')
        self.writes = Writes(replicas.log(since=before), namespace.name)
        self.state = end_state(namespace)
        for path in scenario.unsettled:
            _drop(self.state, *path)
        # Times are noted in whole seconds.
        retirements = {origin: acted + RETIRE_AFTER - 1 for origin in scenario.retiring}
        self.violations, self.rolls = self.lab.monitor.check(namespace.name, retirements)
        self._add('order', *self.violations)
        for name in scenario.given_back if done else ():
            if namespace.get('Deployment', name)['spec'] != originals[name]:
                self._add('given-back', f'the spec of {name} is not as its owner wrote it')
        for operator in replicas.operators:
            self._add('panic', *operator.panics()[:1])
        if self.disturbance and done:
            self._compare()
        if not self.problems and (not self.disturbance or self.disturbance.ends_with_restart):
            self._restart(namespace, replicas)
        self.terms, late = replicas.terms()
        self._add('overlap', *late[:3])

    def _act(self, namespace, replicas):
        """Does what the user does, and what disturbs it; returns when."""
        if self.disturbance:
            self.disturbance.before(replicas)
        acted = time.time()
        self.scenario.act(namespace)
        if self.disturbance:
            self.disturbance.after(replicas)
        return acted

    def _await_end(self, namespace, replicas, acted):
        """Whether the operator does all, in time. Starts it again whenever it has ended, as a kubelet would."""
        def done():
            replicas.revive()
            # Without a leader nothing is written, so that silence would say nothing.
            return self.scenario.done(namespace) and replicas.leaders()

        # The fault may come after all is done, or last longer.
        lasts = self.disturbance.lasts if self.disturbance else 0
        end = acted + PATIENCE + lasts + (TAKE_OVERS if self.count > 1 else 0)
        while patience.until(done, end - time.time()):
            self.seconds = round(time.time() - acted, 1)
            time.sleep(max(0, acted + lasts - time.time()))
            # What looks done may be a moment before the next step.
            replicas.await_silence()
            if patience.until(done, 0):
                return True
        self.seconds = round(time.time() - acted, 1)
        return False

    def _compare(self):
        """A disturbed run ends as the undisturbed one, does not roll more often, and does not write much more."""
        recorded = self.reference['state']
        self._add('state', *differences(present(recorded, recorded), present(self.state, recorded)))
        for name, count in self.rolls.items():
            if count > self.reference['rolls'][name]:
                self._add('rolls', f'{name} {count} times, undisturbed {self.reference["rolls"][name]}')
        most = self.reference['writes'][1]
        if self.writes.count > most + EXTRA_WRITES:
            self._add('writes', f'{self.writes.count}, undisturbed {most}')

    def _restart(self, namespace, replicas):
        """A restart of a settled operator writes nothing."""
        replicas.disturb()
        before, statuses = time.time(), _statuses(namespace)
        replicas.restart()
        patience.until(replicas.ready, 20)
        replicas.await_silence(2)
        if written := [entry['path'] for entry in replicas.log(since=before)]:
            self._add('restart', f'it writes {written}', *differences(statuses, _statuses(namespace)))


def _statuses(namespace):
    return {f'{kind} {item["metadata"]["name"]}': item.get('status')
            for kind in RESOURCES for item in namespace.items(kind)}


def _drop(tree, *path):
    *parents, last = path
    for key in parents:
        tree = tree.get(key, {})
    tree.pop(last, None)
