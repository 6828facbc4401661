"""Objects that nobody expects: the operator lives on, a neighbour is unharmed, and all can be taken back."""

import base64
import random
import re
import time

import cloud
import patience
from casebook import case
from kube import ApiError
from namespace import DOMAIN

#: Values for annotations of ours.
GARBAGE = [
    '', '/', '////', 'x', 'Ünïcödé-\U0001F4A9' * 20,
    '9999-12-31T23:59:59Z generation=9223372036854775807 pod= instead-of=', '-009999-01-01T00:00:00Z generation=-1',
    '{"https://a.example.com":"not a time"}',
    '{"https://a.example.com":"9999-12-31T23:59:59Z"}', '[' * 5000, '{"a":' * 3000, 'x' * 100000,
    'Horizon/a/b/c/d/e', '=,=,=', '\n\r\t\'"\\',
]
NOTES = ['claim', 'rolled-at', 'rolled', 'reads', 'for', 'retiring', 'granted', 'glance', 'failed', 'put-back',
         'backed-out', 'adjusted', 'origins', 'managed-by', 'kept', 'answer']

#: ConfigMaps that look like ours.
CONTENTS = [
    {},
    {'data': {'zz-direct-upload.conf': '[cors]\nallowed_origin = \n'}},
    {'data': {'zz-direct-upload.conf': '[cors\n' + 'x' * 900000}},
    {'binaryData': {'zz-direct-upload.conf': base64.b64encode(bytes(range(256)) * 100).decode()}},
    {'data': {'zz-direct-upload.py': "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n" * 1000}},
    {'data': {'a': '[cors]\n' + 'allowed_origin = https://x.example.com\n' * 5000}},
    {'data': {'p.yaml': 'a: &a [*a]\n'}},
    {'data': {'x': 'ProxyPass "' + '\\' * 9999}},
    {'data': {'x': "['" * 9999}},
]
#: ConfigMaps that somebody mounts in our volume's place.
MOUNTED = ['foreign-direct-upload-0000000002', 'foreign-direct-upload-0000000005', 'missing-direct-upload-00000000ff']

STATUSES = [
    {'conditions': []}, {'observedGeneration': -5}, {'origins': [{'origin': 'x' * 500}] * 60},
    {'conditions': [{'type': 'Ready', 'status': 'Maybe', 'reason': 'No', 'message': '',
                     'lastTransitionTime': '2020-01-01T00:00:00Z'}]},
    {'conditions': [{'type': 'Ready', 'status': 'True', 'reason': 'Verified', 'message': 'x' * 32768,
                     'lastTransitionTime': '0000-00-00T00:00:00Z'}]},
    {'verification': {'failures': [None]}}, {'url': '\u202e'},
]

INGRESS_OPTIONS = ['proxy-body-size', 'proxy-read-timeout', 'proxy-send-timeout', 'cors-allow-origin', 'enable-cors',
                   'configuration-snippet', 'cors-allow-headers', 'rewrite-target', 'server-alias']
INGRESS_VALUES = ['99999999999999999999999999g', '１２３', '-1', '٣m', '1e999', '\u00df' * 50, '0x', ' ', 'm', 'true',
                  '$1' * 500, '*' * 2000]
INGRESSES = [
    {'tls': None, 'rules': [
        {'host': f'h{number}.example.com', 'http': {'paths': [
            {'path': '/' + 'p' * 200, 'pathType': 'Exact',
             'backend': {'service': {'name': 'horizon', 'port': {'number': 80}}}}]}} for number in range(800)]},
    {'rules': [{'host': '*.example.com'}],
     'defaultBackend': {'resource': {'kind': 'X', 'name': 'y', 'apiGroup': 'z'}}},
]

DEPLOYMENTS = [
    {'strategy': {'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': '100000000%', 'maxUnavailable': '0%'}}},
    {'progressDeadlineSeconds': 2147483647},
    {'minReadySeconds': 2147483646, 'progressDeadlineSeconds': 2147483647},
    {'template': {'spec': {'terminationGracePeriodSeconds': 9223372036854775807}}},
    {'template': {'metadata': {'annotations': {'x': 'y' * 200000}}}},
]
RESOURCE_NAMES = ['a' * 253, '.'.join(['b' * 60] * 4), 'x.y.z-1']
SPECS = [
    *({'rollout': {'notBefore': value}} for value in ('9999-12-31T23:59:59Z', '0001-01-01T00:00:00Z')),
    *({'rollout': {'minInterval': value}} for value in ('2562047h', '0s')),
    *({'deletion': {'timeout': value}} for value in ('2562047h', '0s')),
    *({'rollout': {'drain': {'preStopSeconds': value}}} for value in (2147483647, 4294967295)),
    *({'publicURL': value} for value in (
        'https://[::1]:0', 'https://xn--' + 'a' * 60 + '.example.com', 'https://faß.example.com',
        'https://a.example.com:65536', 'https://' + 'a.' * 120 + 'com/' + 'p' * 1500)),
    {'workloadRef': {'name': 'x' * 253, 'container': 'y' * 63}},
    *({'layout': value} for value in ('Kolla', 'OpenStackHelm')),
]
RESOURCES = [('Horizon', 'horizon'), ('Glance', 'glance')]


class Attack:
    """Counts what it writes, and looks after the operator after each step."""

    def __init__(self, case, namespace, operator):
        self.case, self.namespace, self.operator = case, namespace, operator
        self.random = random.Random(5)
        self.written = self.refused = 0

    def merge(self, kind, name, patch, sub=None):
        self._count(lambda: self.namespace.merge(kind, name, patch, sub))

    def create(self, object_):
        self._count(lambda: self.namespace.create(object_))

    def _count(self, write):
        try:
            write()
            self.written += 1
        except (ApiError, UnicodeEncodeError):
            self.refused += 1

    def expect_life(self, what, seconds):
        time.sleep(seconds)
        if not self.operator.healthy():
            self.case.expect(f'the operator survives {what[:60]!r}', False,
                             f'alive {self.operator.alive()}, {self.operator.panics()[:1]}')
            if not self.operator.alive():
                self.operator.start()

    # The steps

    def annotate(self):
        for value in GARBAGE:
            notes = {f'{DOMAIN}/{note}': value for note in NOTES}
            if len(value) > 10000:  # one is as much as an object may have
                notes = {f'{DOMAIN}/{self.random.choice(NOTES)}': value}
            ours = [('ConfigMap', item['metadata']['name']) for item in self.namespace.items('ConfigMap')
                    if 'direct-upload' in item['metadata']['name']]
            workloads = [('Deployment', 'horizon'), ('Deployment', 'glance'), ('Ingress', 'horizon')]
            for kind, name in [*workloads, *ours, *RESOURCES]:
                self.merge(kind, name, {'metadata': {'annotations': notes}})
            self.expect_life(f'annotations {value}', 1.2)

    def imitate_config_maps(self):
        uid = self.namespace.get('Deployment', 'glance')['metadata']['uid']
        metadata = {'labels': {'app.kubernetes.io/managed-by': 'direct-upload-operator'},
                    'annotations': {f'{DOMAIN}/for': f'Glance/{uid}', f'{DOMAIN}/retiring': '{}',
                                    f'{DOMAIN}/granted': '{}'}}
        for number, content in enumerate(CONTENTS):
            for name in (f'foreign-direct-upload-{number:010x}', f'glance-direct-upload-{number + 4096:010x}'):
                self.create({'kind': 'ConfigMap', 'metadata': {'name': name, **metadata}, **content})
            self.expect_life(f'foreign ConfigMap {number}', 0.5)

    def mount_others(self):
        for name in MOUNTED:
            volumes = [{'name': 'data', 'emptyDir': {}}, {'name': 'direct-upload', 'configMap': {'name': name}}]
            self.merge('Deployment', 'glance', {'spec': {'template': {'spec': {'volumes': volumes}}}})
            self.expect_life(f'volume {name}', 2)

    def write_statuses(self):
        for status in STATUSES:
            for kind, name in RESOURCES:
                self.merge(kind, name, {'status': status}, 'status')
            self.expect_life(f'status {status}', 1)

    def expose(self):
        for value in INGRESS_VALUES:
            for prefix in ('nginx.ingress.kubernetes.io', 'haproxy.org'):
                notes = {f'{prefix}/{option}': value for option in INGRESS_OPTIONS}
                self.merge('Ingress', 'glance', {'metadata': {'annotations': notes}})
            self.expect_life(f'Ingress annotations {value}', 0.8)
        for spec in INGRESSES:
            self.merge('Ingress', 'horizon', {'spec': spec})
            self.expect_life('an Ingress', 3)

    def change_workloads(self):
        for spec in DEPLOYMENTS:
            for name in ('horizon', 'glance'):
                self.merge('Deployment', name, {'spec': spec})
            self.expect_life(f'Deployment {spec}', 1.5)
        for name in ('horizon', 'glance'):  # or no new pod would ever count as available
            self.merge('Deployment', name, {'spec': {'minReadySeconds': 0}})
        waiting = {'reason': 'ImagePullBackOff\U0001F4A9' * 30, 'message': '\u202e' * 3000}
        status = {'conditions': None, 'containerStatuses': [
            {'name': 'glance', 'image': '', 'imageID': '', 'ready': False, 'restartCount': 2147483647,
             'state': {'waiting': waiting}}]}
        pod = self.namespace.pods('glance')[0]['metadata']['name']
        self.merge('Pod', pod, {'metadata': {'annotations': {'stand-in/behaviour': 'hold'}}})
        self.merge('Pod', pod, {'status': status}, 'status')
        self.expect_life("a Pod's status", 2)

    def change_resources(self):
        for name in RESOURCE_NAMES:
            for make in (cloud.horizon, cloud.glance):
                self.create(make(name, workloadRef={'name': 'horizon'}))
            self.expect_life(f'name {name}', 2)
        for spec in SPECS:
            for kind, name in RESOURCES:
                self.merge(kind, name, {'spec': spec})
            self.expect_life(f'spec {spec}', 1.2)
            for kind, name in RESOURCES:
                self.merge(kind, name, {'spec': {field: None for field in spec}})


@case('cases')
def hostile(case):
    """Annotations, ConfigMaps, statuses, Ingresses, workloads and specs that nobody expects."""
    namespace, neighbour = case.namespace(), case.namespace('neighbour')
    for each in (namespace, neighbour):
        each.add_pair()
    operator = case.operator(namespace, neighbour)
    case.require('both pairs become ready', namespace.await_verified() and neighbour.await_verified())
    attack = Attack(case, namespace, operator)
    for step in (attack.annotate, attack.imitate_config_maps, attack.mount_others, attack.write_statuses,
                 attack.expose, attack.change_workloads, attack.change_resources):
        step()
    case.say(f'{attack.written} hostile writes, {attack.refused} more were refused by the API server')
    errors = {re.sub(r'[0-9a-f-]{10,}|\d+', '#', line[28:130]) for line in operator.lines(' ERROR ')}
    case.say(f'the log has {len(operator.text())} bytes; errors: {sorted(errors)}')
    case.expect('the operator lives', operator.healthy() and operator.starts == 1, f'{operator.starts} starts')
    case.expect('the neighbour is ready', neighbour.verified(), neighbour.condition('Horizon'))
    neighbour.set_host('horizon', 'new.example.com')
    followed = patience.until(lambda: 'https://new.example.com' in neighbour.reported_origins(), 20)
    case.expect('the neighbour is still worked on', followed)
    for kind, _ in RESOURCES:
        for item in namespace.items(kind):
            namespace.delete(kind, item['metadata']['name'])
    gone = patience.until(lambda: not namespace.items('Horizon') and not namespace.items('Glance'), 60)
    case.expect('all resources are gone within 60 s of their deletion', gone, [
        f'{kind} {item["metadata"]["name"]}: {namespace.condition(kind, item["metadata"]["name"])}'
        for kind, _ in RESOURCES for item in namespace.items(kind)])
    mounts = [name for name in ('glance', 'horizon') if namespace.is_direct(name)]
    case.expect("no workload has our volume any more", not mounts, mounts)
