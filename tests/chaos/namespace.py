"""A namespace with one cloud in it, and what tests do to it and ask of it."""

import json
import re
import typing

import cloud
import patience
from kube import ApiError, path

#: Our annotations begin so.
DOMAIN = 'direct-upload.openstack.org'
RESOURCES = ('Glance', 'Horizon')


class Condition(typing.NamedTuple):
    """A condition of a resource; all None if there is none."""

    status: str = None
    reason: str = None
    message: str = None
    #: Whether it is about the spec as it is now.
    current: bool = None

    def __str__(self):
        return f'{self.status} {self.reason}: {self.message}'


class Namespace:
    def __init__(self, kube, name, annotations=None):
        self.kube, self.name = kube, name
        kube.create(path('Namespace'), {'metadata': {'name': name, 'annotations': annotations or {}}})

    def path(self, kind, name=None, sub=None):
        return path(kind, self.name, name, sub)

    def create(self, *objects):
        for object_ in objects:
            self.kube.create(self.path(object_['kind']), object_)

    def get(self, kind, name):
        return self.kube.get(self.path(kind, name))

    def items(self, kind, query=''):
        return self.kube.items(self.path(kind) + query)

    def merge(self, kind, name, patch, sub=None):
        return self.kube.merge(self.path(kind, name, sub), patch)

    def delete(self, kind, name, **options):
        return self.kube.delete(self.path(kind, name), **options)

    def annotate(self, **annotations):
        """Annotates the namespace itself; see also `pods_shall`."""
        self.kube.merge(path('Namespace', name=self.name), {'metadata': {'annotations': annotations}})

    def pods_shall(self, behaviour):
        """Tells the stand-in what new Pods do: run, hold or crash."""
        self.annotate(**{'stand-in/behaviour': behaviour})

    # What a user does

    def add_pair(self, glance=None, horizon=None):
        """Both resources."""
        self.create(glance or cloud.glance(), horizon or cloud.horizon())

    def set_host(self, name, host):
        self.merge('Ingress', name, {'spec': cloud.ingress_spec(name, host)})

    def enable(self, enabled=True, name='horizon'):
        self.merge('Horizon', name, {'spec': {'directUpload': {'enabled': enabled}}})

    def delete_pair(self):
        self.delete('Glance', 'glance')
        self.delete('Horizon', 'horizon')

    # What there is

    def pods(self, app=None):
        return self.items('Pod', f'?labelSelector=app%3D{app}' if app else '')

    def ready_pods(self, app=None):
        return [pod for pod in self.pods(app) if is_ready(pod)]

    def direct_pods(self):
        """Horizon's Pods whose pages upload directly."""
        return [pod['metadata']['name'] for pod in self.pods('horizon') if mounted(pod['spec'])]

    def template(self, name, kind='Deployment'):
        return self.get(kind, name)['spec']['template']['spec']

    def is_direct(self, name='horizon'):
        """Whether a workload's template has our volume."""
        return mounted(self.template(name)) is not None

    def accepted_origins(self, template=None):
        """What Glance's template lets in, by the ConfigMap that it mounts; empty without one."""
        name = mounted(template or self.template('glance'))
        data = (self.get('ConfigMap', name) or {}).get('data') if name else None
        found = re.search(r'(?m)^allowed_origin *= *(.*)$', '\n'.join((data or {}).values()))
        return set(found.group(1).replace(' ', '').split(',')) if found else set()

    def reported_origins(self):
        """What Glance's status says."""
        status = (self.get('Glance', 'glance') or {}).get('status') or {}
        return {origin['origin'] for origin in status.get('origins', [])}

    # The state of the resources

    def condition(self, kind, name=None, type_='Ready'):
        resource = self.get(kind, name or kind.lower()) or {}
        status = resource.get('status') or {}
        for condition in status.get('conditions') or []:
            if condition['type'] == type_:
                observed = status.get('observedGeneration') or condition.get('observedGeneration')
                current = observed is None or observed == resource['metadata']['generation']
                return Condition(condition['status'], condition['reason'], condition['message'], current)
        return Condition()

    def is_ready(self, kind, name=None, *reasons):
        condition = self.condition(kind, name)
        return condition.status == 'True' and condition.current and (not reasons or condition.reason in reasons)

    def verified(self, *horizons):
        """Whether these Horizons upload directly, which was seen to work, and Glance is ready."""
        names = horizons or ('horizon',)
        return all(self.is_ready('Horizon', name, 'Verified') for name in names) and self.is_ready('Glance')

    def gone(self, kind, name=None):
        return self.get(kind, name or kind.lower()) is None

    def pair_gone(self):
        return all(self.gone(kind) for kind in RESOURCES)

    def await_pods(self, count=4, app=None):
        return patience.until(lambda: len(self.ready_pods(app)) >= count, 60)

    def await_verified(self, *horizons, seconds=60):
        return patience.until(lambda: self.verified(*horizons), seconds)

    def warnings(self):
        """The messages of Warning events about our resources."""
        return [f'{event["reason"]}: {event["message"]}' for event in self.items('Event')
                if event['type'] == 'Warning' and event['involvedObject']['kind'] in RESOURCES]

    def leftovers(self):
        """What is still ours in workloads and ConfigMaps."""
        found = [f'ConfigMap {item["metadata"]["name"]}' for item in self.items('ConfigMap')
                 if 'direct-upload' in item['metadata']['name']]
        for workload in self.items('Deployment'):
            name = workload['metadata']['name']
            found += [f'{name}: annotation {note}' for note in workload['metadata'].get('annotations', {})
                      if note.startswith(DOMAIN)]
            if 'direct-upload' in json.dumps(workload['spec']['template']['spec'].get('volumes')):
                found.append(f'{name}: a volume')
        return found

    def remove(self):
        """Deletes the namespace without an operator: finalizers would keep it."""
        try:
            for kind in RESOURCES:
                for item in self.items(kind):
                    self.kube.merge(self.path(kind, item['metadata']['name']), {'metadata': {'finalizers': None}},
                                    accepted=(404,))
            self.kube.delete(path('Namespace', name=self.name))
        except (ApiError, OSError):
            pass  # the cluster ends soon, and takes it along


def mounted(pod_spec):
    """The ConfigMap of our volume, if there is one."""
    for volume in pod_spec.get('volumes') or []:
        if volume['name'].startswith('direct-upload') and 'configMap' in volume:
            return volume['configMap']['name']
    return None


def is_ready(pod):
    return any(condition['type'] == 'Ready' and condition['status'] == 'True'
               for condition in pod.get('status', {}).get('conditions') or [])
