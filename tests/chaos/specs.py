"""Random changes of the resources' specs, made from the schemas of their definitions; and back to the first spec."""

import json
import random
import threading
import time
import traceback

import cloud
import patience
from kube import ApiError, path
from namespace import DOMAIN, RESOURCES

URLS = [
    'https://other.example.com', 'https://a.example.com:8443/dashboard', 'http://plain.example.com',
    'https://horizon.openstack.svc.cluster.local', 'https://[2001:db8::1]', 'https://faß.example.com',
    'https://EXAMPLE.com:443/', 'https://x', 'https://127.0.0.1', 'https://a.example.com:99999',
    f'https://{"a" * 63}.example.com', f'https://{"a" * 64}.example.com', 'https://%41.example.com',
    'https://a..example.com', 'https://*.example.com', 'https://user.example.com/ü',
]
WORDS = ['x', 'horizon', 'glance', '-', 'ü', '\U0001F4A9', 'a' * 64, '$(id)', '%s', 'a,b', 'a b', "'", '"', '\n', '\\',
         '#', '[cors]', 'None', '~', '{{x}}', '*', 'null']
DURATIONS = ['0s', '1ms', '1s', '999999h', '999999.999h999999m999999s', '1h30m', '-1s', '5', '', '1.5h', '000000s']
TIMES = ['2000-01-01T00:00:00Z', '2999-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z',
         '2026-11-28T25:00:00Z', '2026-01-01T00:00:00+23:59']
PATHS = [
    '/', '/etc/x', '/etc/glance', '/etc/openstack-dashboard/local_settings.d', '/etc/../etc/passwd', '/var/lib/data',
    '/var/lib/data/x', '//', '/' + 'p' * 510, '/proc/self', '/etc/horizon/ü', 'http://127.0.0.1:9292', '/horizon',
    '/a/./b', '/usr/lib/python3/dist-packages/openstack_dashboard/local/local_settings.d', '/dev/null',
]
WRONG_TYPES = [None, '', 0, -1, [], {}, True, 'x' * 3000, 2**63, 1.5]


class Mutator:
    """Merge patches for specs: mostly valid, often at an edge, sometimes not valid."""

    def __init__(self, kube, seed):
        self.random = random.Random(seed)
        self.schemas = {kind: _schema(kube, kind) for kind in RESOURCES}

    def patch(self, kind):
        """Sets one to three fields, somewhere."""
        patch = {}
        for _ in range(self.random.choice([1, 1, 2, 3])):
            self._set(patch, self.schemas[kind])
        return patch

    def _set(self, patch, schema):
        while isinstance(patch, dict):
            name = self.random.choice(list(schema['properties']))
            schema = schema['properties'][name]
            if 'properties' not in schema or self.random.random() >= 0.75:
                patch[name] = self._value(schema, name)
                return
            patch = patch.setdefault(name, {})

    def _value(self, schema, name):
        if self.random.random() < 0.06:
            return self.random.choice(WRONG_TYPES)
        if 'enum' in schema:
            return self.random.choice(schema['enum'] + (['Bogus'] if self.random.random() < 0.1 else []))
        make = {'boolean': self._boolean, 'integer': self._integer, 'string': self._string, 'array': self._array,
                'object': self._object}.get(schema.get('type'))
        return make(schema, name) if make else self.random.choice(WORDS)

    def _boolean(self, schema, name):
        return self.random.random() < 0.5

    def _integer(self, schema, name):
        low, high = int(schema.get('minimum', -2**31)), int(schema.get('maximum', 2**31 - 1))
        within = self.random.randint(low, high)
        return self.random.choice([low, high, low + 1, high - 1, within, low - 1, high + 1, 0])

    def _string(self, schema, name):
        pattern, longest = schema.get('pattern', ''), int(schema.get('maxLength', 20))
        if '(h|m|s|ms)' in pattern:
            return self.random.choice(DURATIONS)
        if schema.get('format') == 'date-time':
            return self.random.choice(TIMES)
        if 'https?' in pattern or 'url' in name.lower() or 'endpoint' in name.lower():
            return self.random.choice(URLS)
        if pattern.startswith('^/') or 'http://' in pattern:
            return self.random.choice(PATHS)
        return self.random.choice([*WORDS, 'y' * longest, 'y' * (longest + 1)])

    def _array(self, schema, name):
        most, item = min(int(schema.get('maxItems', 8)), 400), schema.get('items', {})
        length = self.random.choice([0, 1, 2, 3, most, min(most + 1, 400)])
        if length > 3 and 'https?' in item.get('pattern', ''):
            return [f'https://o{number}.example.com' for number in range(length)]
        return [self._value(item, name) for _ in range(length)]

    def _object(self, schema, name):
        if 'properties' not in schema:
            words = self.random.choices(WORDS, k=self.random.choice([0, 1, 3]))
            return {word: self.random.choice(WORDS) for word in words}
        chosen = [field for field in schema['properties']
                  if field in schema.get('required', []) or self.random.random() < 0.5]
        return {field: self._value(schema['properties'][field], field) for field in chosen}


def _schema(kube, kind):
    name = f'{kind.lower()}s.{kind.lower()}.openstack.org'
    definition = kube.get(path('CustomResourceDefinition', name=name))
    return definition['spec']['versions'][0]['schema']['openAPIV3Schema']['properties']['spec']


class Walk:
    """Changes the specs of one pair, and now and then goes back: then all must be as it was at first."""

    def __init__(self, lab, operator, number, seed):
        self.operator, self.mutator = operator, Mutator(lab.kube, f'{seed}-{number}')
        self.first = {'Horizon': cloud.horizon(), 'Glance': cloud.glance()}
        self.namespace = lab.namespace(name(seed, number))
        for app in ('glance', 'horizon'):
            self.namespace.create(*cloud.service(app, f'{app}-{seed}-{number}.example.com'))
        self.originals = {item['metadata']['name']: item['spec'] for item in self.namespace.items('Deployment')}
        self.accepted = self.refused = 0
        self.findings, self.history, self.messages = [], [], {}

    def run(self, steps):
        try:
            self._walk(steps)
        except Exception:  # a defect of this test is a finding of this walk, and no other's
            self._find('the harness failed', traceback.format_exc(-3))
        finally:
            self.namespace.remove()

    def _find(self, what, *details):
        self.findings.append((self.namespace.name, what, *details))

    def _walk(self, steps):
        self.namespace.create(*self.first.values())
        if not self.namespace.await_verified(seconds=90):
            return self._find('the pair is never ready', self._conditions())
        time.sleep(2)
        wanted = self._essence()
        while self.accepted < steps:
            for _ in range(4):
                self._change()
            self._go_back(wanted)
        self.namespace.delete_pair()
        if not patience.until(self.namespace.pair_gone, 60):
            return self._find('the resources are not gone 60 s after their deletion', self._conditions())
        for item in self.namespace.items('Deployment'):
            if item['spec'] != self.originals[item['metadata']['name']]:
                self._find('a spec is not given back', item['metadata']['name'])

    def _change(self):
        kind = self.mutator.random.choice(RESOURCES)
        patch = self.mutator.patch(kind)
        try:
            self.namespace.merge(kind, kind.lower(), {'spec': patch})
        except ApiError as error:
            self.refused += 1
            if error.status >= 500:
                self._find('the API server fails', str(error)[:300], patch)
            return
        self.accepted += 1
        self.history.append((kind, patch))
        if self.mutator.random.random() < 0.3:
            return  # the next change comes in the middle of this one
        if not patience.until(self._observed, 25, every=0.5):
            self._find('observedGeneration does not follow within 25 s', kind, patch, self._conditions())
        for each in RESOURCES:
            condition = self.namespace.condition(each)
            self.messages.setdefault((each, condition.status, condition.reason), condition.message)
            if condition.status not in ('True', 'False', 'Unknown') or not condition.reason or not condition.message:
                self._find('a Ready that tells nothing', each, str(condition), patch)
        if not self.operator.healthy():
            self._find('the operator is not healthy', self.operator.alive(), self.operator.panics()[:1], patch)
            if not self.operator.alive():
                self.operator.start()

    def _go_back(self, wanted):
        for kind, resource in self.first.items():
            self.namespace.kube.replace_fields(self.namespace.path(kind, kind.lower()), [
                {'op': 'replace', 'path': '/spec', 'value': resource['spec']}])
        if patience.until(lambda: self._essence() == wanted, 60, every=1):
            return
        found = self._essence()
        self._find('the first spec does not bring the first state back within 60 s', [
            f'{part}.{field}: {json.dumps(wanted[part].get(field))[:300]} ≠ {json.dumps(found[part].get(field))[:300]}'
            for part in wanted for field in sorted(wanted[part].keys() | found[part].keys())
            if wanted[part].get(field) != found[part].get(field)][:4], self.history[-6:])

    def _observed(self):
        return all(self.namespace.condition(kind).current for kind in RESOURCES)

    def _conditions(self):
        return [f'{kind} {self.namespace.condition(kind)}' for kind in RESOURCES]

    def _essence(self):
        """What the first spec must bring back: the workloads, the mounted bytes, what the statuses tell."""
        found = {}
        contents = {item['metadata']['name']: item.get('data') for item in self.namespace.items('ConfigMap')}
        for item in self.namespace.items('Deployment'):
            pod = item['spec']['template']['spec']
            for container in pod['containers']:
                container.pop('lifecycle', None)  # comes and goes with rolls that happen anyway: docs/rollout-order.md
            mounted = [volume['configMap']['name'] for volume in pod['volumes'] if 'configMap' in volume]
            found[item['metadata']['name']] = {
                'spec': item['spec'], 'bytes': {each: contents.get(each) for each in mounted},
                'annotations': sorted(note for note in item['metadata'].get('annotations', {})
                                      if note.startswith(DOMAIN))}
        for kind in RESOURCES:
            status = self.namespace.get(kind, kind.lower())['status']
            found[kind] = {condition['type']: [condition['status'], condition['reason'], condition['message']]
                           for condition in status['conditions']}
            found[kind]['origins'] = [each if isinstance(each, str) else each.get('origin')
                                      for each in status.get('origins', [])]
            found[kind]['advice'] = status.get('advice')
        return found


def name(seed, number):
    return f'specs-{seed}-{number}'


def run(lab, steps, namespaces, seed):
    """Walks in several namespaces at once, with one operator; returns how many findings there are."""
    operator = lab.operator(f'specs-{seed}', watch=[name(seed, number) for number in range(namespaces)])
    walks = [Walk(lab, operator, number, seed) for number in range(namespaces)]
    threads = [threading.Thread(target=walk.run, args=(steps,)) for walk in walks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    findings = [finding for walk in walks for finding in walk.findings]
    for finding in findings:
        print('FOUND', json.dumps(finding, ensure_ascii=False)[:1500])
    messages = {}
    for walk in walks:
        messages |= walk.messages
    for (kind, status, reason), message in sorted(messages.items(), key=str):
        print(f'    {kind} Ready={status} {reason}: {message[:200]}')
    print(f'{sum(walk.accepted for walk in walks)} changes, {sum(walk.refused for walk in walks)} more refused by the '
          f'schema, {len(findings)} findings, {operator.starts - 1} restarts, {len(operator.panics())} panics')
    if findings:
        print(f'the log is {lab.keep_log(operator, f"specs-{seed}")}')
    return len(findings)
