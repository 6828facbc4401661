"""Manifests of a small cloud: workloads as their owner wrote them, what exposes them, and the two resources."""


def workload(name, kind='Deployment', replicas=2):
    """One container with a volume of its own, which must survive."""
    container = {'name': name, 'image': f'registry.example.com/{name}:1',
                 'volumeMounts': [{'name': 'data', 'mountPath': '/var/lib/data'}]}
    spec = {
        'selector': {'matchLabels': {'app': name}},
        'template': {
            'metadata': {'labels': {'app': name}},
            'spec': {'containers': [container], 'volumes': [{'name': 'data', 'emptyDir': {}}]},
        },
    }
    if kind == 'Deployment':
        spec |= {'replicas': replicas, 'strategy': {'rollingUpdate': {'maxSurge': 1, 'maxUnavailable': 0}}}
    if kind == 'StatefulSet':
        spec |= {'replicas': replicas, 'serviceName': name}
    return {'apiVersion': 'apps/v1', 'kind': kind, 'metadata': {'name': name}, 'spec': spec}


def ingress_spec(name, host):
    backend = {'service': {'name': name, 'port': {'number': 80}}}
    return {
        'tls': [{'hosts': [host]}],
        'rules': [{'host': host, 'http': {'paths': [{'path': '/', 'pathType': 'Prefix', 'backend': backend}]}}],
    }


def exposed(name, host):
    """A Service, and an Ingress that gives it a host."""
    return [
        {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': name},
         'spec': {'selector': {'app': name}, 'ports': [{'port': 80}]}},
        {'apiVersion': 'networking.k8s.io/v1', 'kind': 'Ingress', 'metadata': {'name': name},
         'spec': ingress_spec(name, host)},
    ]


def service(name, host=None, **options):
    """A workload that is exposed."""
    return [workload(name, **options), *exposed(name, host or f'{name}.example.com')]


def services(*names):
    """All objects of a cloud without our resources."""
    return [object_ for name in names or ('glance', 'horizon') for object_ in service(name)]


def glance(name='glance', retire_after='3s', rehearsal='Off', **spec):
    """A Glance whose rolls and retirements follow each other fast."""
    defaults = {'rollout': {'minInterval': '1s', 'rehearsal': rehearsal}, 'cors': {'retireAfter': retire_after}}
    return {'apiVersion': 'glance.openstack.org/v1beta1', 'kind': 'Glance', 'metadata': {'name': name},
            'spec': {**defaults, **spec}}


def horizon(name='horizon', rehearsal='Off', **spec):
    defaults = {'rollout': {'minInterval': '1s', 'rehearsal': rehearsal}}
    return {'apiVersion': 'horizon.openstack.org/v1beta1', 'kind': 'Horizon', 'metadata': {'name': name},
            'spec': {**defaults, **spec}}
