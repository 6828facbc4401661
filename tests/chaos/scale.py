"""Scale: what many pairs, and many Horizons on one Glance, cost the operator.

No pods are made: kube-controller-manager is stopped, and `Rollouts` writes the Deployments' statuses, so that all that
is measured is the operator. Times depend on the machine; what is judged is only whether all becomes ready.
"""

import concurrent.futures
import http.client
import json
import queue
import threading
import time

import cloud
import patience
from kube import ApiError, path

#: For those that only make or change objects.
POOL = concurrent.futures.ThreadPoolExecutor(12)
#: Seconds over which idle work, and the work that one change makes, are measured.
WINDOW = 14
COMPLETE = {'type': 'Progressing', 'status': 'True', 'reason': 'NewReplicaSetAvailable'}


class Rollouts:
    """Says of each Deployment that its rollout is complete."""

    def __init__(self, kube):
        self.kube, self.todo = kube, queue.Queue()
        for _ in range(4):
            threading.Thread(target=self._work, daemon=True).start()
        threading.Thread(target=kube.follow, args=(path('Deployment'), self._note), daemon=True).start()

    def _note(self, deployment, deleted):
        observed = deployment.get('status', {}).get('observedGeneration')
        if not deleted and observed != deployment['metadata']['generation']:
            self.todo.put(deployment)

    def _work(self):
        while True:
            deployment = self.todo.get()
            metadata, count = deployment['metadata'], deployment['spec'].get('replicas', 1)
            replicas = {name: count for name in ('replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas')}
            status = {'observedGeneration': metadata['generation'], 'conditions': [COMPLETE], **replicas}
            place = path('Deployment', metadata['namespace'], metadata['name'], 'status')
            try:
                self.kube.merge(place, {'status': status})
            except (ApiError, OSError, http.client.HTTPException):
                pass  # a change that came meanwhile is seen, too


class Measurement:
    """What the operator spends between two moments."""

    def __init__(self, operator):
        self.operator, self.started = operator, time.monotonic()
        self.processor, self.derived = operator.processor_time(), _derivations(operator)

    def seconds(self):
        return time.monotonic() - self.started

    def __str__(self):
        return (f'{self.seconds():.0f} s, {self.operator.processor_time() - self.processor:.2f} s of CPU, '
                f'{_derivations(self.operator) - self.derived:.0f} derivations, {self.operator.memory():.0f} MiB')


def _derivations(operator):
    return operator.metric('direct_upload_derivations_total')


class Scale:
    def __init__(self, lab):
        self.lab, self.kube = lab, lab.kube
        lab.cluster.stop('kube-controller-manager')
        Rollouts(self.kube)
        self.failed = 0

    def end(self):
        self.lab.cluster.resume('kube-controller-manager')

    def say(self, what, result):
        print(f'{what}: {result}', flush=True)

    def _unready(self):
        return sum(not any(condition['type'] == 'Ready' and condition['status'] == 'True'
                           for condition in (item.get('status') or {}).get('conditions') or [])
                   for kind in ('Horizon', 'Glance') for item in self.kube.items(path(kind)))

    def _await_ready(self, seconds=600):
        if not patience.until(lambda: self._unready() == 0, seconds, every=2):
            self.failed += 1
            print(f'NOT READY after {seconds} s: {self._unready()} resources', flush=True)

    def _change_host(self, operator, namespace, name, host):
        """Until Glance reports the new origin; then what came of it within the window."""
        measurement = Measurement(operator)
        self.kube.merge(path('Ingress', namespace, name), {'spec': cloud.ingress_spec(name, host)})

        def accepted():
            glance = self.kube.get(path('Glance', namespace, 'glance'))
            return f'https://{host}' in {origin.get('origin') for origin in glance['status'].get('origins', [])}

        if not patience.until(accepted, 60, every=0.3):
            self.failed += 1
        took = measurement.seconds()
        time.sleep(max(0, WINDOW - took))
        self.say(f'    one change of host, accepted after {took:.1f} s', measurement)

    def _idle(self, operator):
        """Once all follow-up work of what came before is done."""
        def quiet():
            before = _derivations(operator)
            time.sleep(8)
            return _derivations(operator) == before

        patience.until(quiet, 180, every=0.1)
        measurement = Measurement(operator)
        time.sleep(WINDOW)
        self.say('    idle', measurement)

    # Many pairs

    def pairs(self, sizes):
        operator = self.lab.operator('pairs', watch=(), interval='60s')
        patience.until(operator.ready, 30)
        self.say('no pair', Measurement(operator))
        made = 0
        for size in sizes:
            measurement = Measurement(operator)
            list(POOL.map(self._make_pair, range(made, size)))
            made = size
            self._await_ready()
            self.say(f'{size} pairs are ready', measurement)
            self._idle(operator)
            for number in range(3):
                self._change_host(operator, _name(number), 'horizon', f'x{size}-{number}.c.example.com')
        self._restart(operator, made)
        self._churn(operator, min(made, 10))
        self._change_all(operator, made)
        operator.kill()

    def _make_pair(self, number):
        namespace = self.lab.namespace(_name(number))
        for name in ('glance', 'horizon'):
            namespace.create(*cloud.service(name, f'{name}{number}.c.example.com', replicas=1))
        namespace.add_pair()

    def _restart(self, operator, size):
        operator.restart()
        measurement = Measurement(operator)
        patience.until(operator.ready, 120)
        self.say(f'a restart with {size} pairs, until it is ready', measurement)
        time.sleep(15)
        self.say('    15 s later', measurement)

    def _churn(self, operator, namespaces, per_minute=1000, seconds=30):
        """Objects of others come and go, in some of the namespaces."""
        pod = {'spec': {'containers': [{'name': 'x', 'image': 'x'}]}}
        kinds = {'ConfigMaps': ('ConfigMap', {}, {'data': {'x': 'y' * 2000}}), 'Pods': ('Pod', {'x': 'y'}, pod),
                 "Pods with Glance's label": ('Pod', {'app': 'glance'}, pod)}
        for number in range(namespaces):  # nobody else makes it, and without it no Pod is admitted
            self.kube.create(path('ServiceAccount', _name(number)), {'metadata': {'name': 'default'}}, accepted=(409,))
        for title, (kind, labels, content) in kinds.items():
            measurement, count = Measurement(operator), 0
            while measurement.seconds() < seconds:
                place = path(kind, _name(count % namespaces))
                metadata = {'generateName': 'churn-', 'labels': labels}
                made = self.kube.create(place, {'metadata': metadata, **content})
                self.kube.delete(f'{place}/{made["metadata"]["name"]}', gracePeriodSeconds=0)
                count += 1
                time.sleep(max(0, count * 120 / per_minute - measurement.seconds()))  # each is two changes
            self.say(f'{2 * count} changes of {title}', measurement)

    def _change_all(self, operator, size):
        measurement = Measurement(operator)
        list(POOL.map(lambda number: self.kube.merge(path('Ingress', _name(number), 'horizon'), {
            'spec': cloud.ingress_spec('horizon', f'all{number}.c.example.com')}), range(size)))

        def changed():
            glances = self.kube.items(path('Glance'))
            return self._unready() == 0 and sum(
                any('//all' in origin.get('origin', '') for origin in glance['status'].get('origins', []))
                for glance in glances) == size

        if not patience.until(changed, 300, every=2):
            self.failed += 1
        self.say(f'all {size} hosts change at once', measurement)

    # Many Horizons on one Glance

    def many(self, sizes):
        namespace = self.lab.namespace('many')
        namespace.create(*cloud.service('glance', replicas=1), cloud.glance())
        operator = self.lab.operator('many', interval='60s')
        patience.until(operator.ready, 30)

        def make(number):
            name = f'h{number:04}'
            namespace.create(*cloud.service(name, f'{name}.c.example.com', replicas=1), cloud.horizon(name))

        made = 0
        for size in sizes:
            measurement = Measurement(operator)
            list(POOL.map(make, range(made, size)))
            made = size
            self._await_ready()
            status = len(json.dumps(namespace.get('Glance', 'glance')['status']))
            generation = namespace.get('Deployment', 'glance')['metadata']['generation']
            self.say(f'{size} Horizons on one Glance are ready',
                     f"{measurement}, Glance's status {status} bytes, Glance's Deployment at generation {generation}")
            self._idle(operator)
            # Glance's status lists the first hundred origins.
            self._change_host(operator, 'many', 'h0001', f'a{size}.c.example.com')
        operator.restart()
        patience.until(operator.ready, 120)
        time.sleep(30)
        self.say(f'30 s after a restart with {made} Horizons',
                 f'{operator.memory():.0f} MiB, at most {operator.memory("VmHWM"):.0f} MiB, '
                 f'{operator.processor_time():.1f} s of CPU')
        operator.kill()


def _name(number):
    return f'pair-{number:03}'


def run(lab, what, sizes):
    """Returns how many things did not become ready."""
    scale = Scale(lab)
    try:
        {'pairs': scale.pairs, 'many': scale.many}[what](sizes)
    finally:
        scale.end()
    return scale.failed
