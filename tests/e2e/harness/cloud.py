"""One OpenStack in one namespace: its manifests, and what the tests do with it."""

import datetime
import hashlib
import json
import os
import pathlib
import shutil

from .openstack import OpenStack
from .shell import say, until

HERE = pathlib.Path(__file__).resolve().parents[1]
MANIFESTS = HERE / 'cloud'
RESOURCES = HERE / 'resources'
# The reason of each kind when everything works.
FINISHED = {'glance': 'RolledOut', 'horizon': 'Verified'}
GLANCE_UID = 64062  # Debian's


class Cloud:
    def __init__(self, folder, node, edge, shape, images, secrets=None, namespace='openstack'):
        """`images` maps what the manifests call an image to NAME:TAG, `secrets` a name to files."""
        self.folder, self.node, self.edge, self.namespace = folder, node, edge, namespace
        self.running = False
        self.announced = 10 << 30
        folder.mkdir(parents=True)
        self.store = folder / 'images'
        self.store.mkdir()
        os.chown(self.store, GLANCE_UID, GLANCE_UID)
        pathlib.Path(folder, 'kustomization.yaml').write_text(json.dumps({
            'apiVersion': 'kustomize.config.k8s.io/v1beta1', 'kind': 'Kustomization', 'namespace': namespace,
            'resources': ['namespace.json', 'ca.json', 'volume.json', 'secrets.json',
                          os.path.relpath(MANIFESTS / shape, folder)],
            'images': [{'name': name, 'newName': image.rpartition(':')[0], 'newTag': image.rpartition(':')[2]}
                       for name, image in images.items()]}))
        self._write('namespace.json', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': namespace}})
        # What an administrator has who runs a private CA; the operator is pointed to it.
        self._write('ca.json', {
            'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'private-ca'},
            'data': {'ca.crt': edge.authority.certificate.read_text()}})
        self._write('secrets.json', {'apiVersion': 'v1', 'kind': 'SecretList', 'items': [
            {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': name}, 'stringData': files}
            for name, files in (secrets or {}).items()]})
        self._write('volume.json', {
            'apiVersion': 'v1', 'kind': 'PersistentVolume', 'metadata': {'name': f'{namespace}-images'},
            'spec': {'capacity': {'storage': '10Gi'}, 'accessModes': ['ReadWriteMany'],
                     'hostPath': {'path': str(self.store)},
                     'claimRef': {'namespace': namespace, 'name': 'glance-images'}}})

    def _write(self, name, manifest):
        (self.folder / name).write_text(json.dumps(manifest))

    def start(self):
        say(f'starting the cloud in {self.namespace}')
        self.running = True
        self.apply('-k', self.folder)
        self.edge.sync()
        self.kubectl('wait', '--for=condition=complete', '--timeout=900s', 'job/bootstrap', timeout=910)
        for deployment in self.node.list('deployments', '-n', self.namespace):
            self.rolled_out(deployment['metadata']['name'])
        keystone, glance = (self.service(name) for name in ('keystone', 'glance'))
        self.openstack = OpenStack(keystone, glance)
        say('the cloud is up')
        return self

    def kubectl(self, *arguments, **options):
        return self.node.kubectl('-n', self.namespace, *arguments, **options)

    def apply(self, *arguments, **options):
        return self.kubectl('apply', *arguments, **options)

    def get(self, *arguments):
        return self.node.get('-n', self.namespace, *arguments)

    def rolled_out(self, deployment, seconds=600):
        self.kubectl('rollout', 'status', f'deployment/{deployment}', f'--timeout={seconds}s', timeout=seconds + 10)

    def address(self, service):
        spec = self.get('service', service)['spec']
        return spec['clusterIP'], spec['ports'][0]['port']

    def service(self, name):
        return 'http://%s:%s' % self.address(name)

    def condition(self, kind, name, type='Ready'):
        conditions = self.get(kind, name).get('status', {}).get('conditions', [])
        return next((c for c in conditions if c['type'] == type), {})

    def ready(self, kind, name, reason=None, seconds=300):
        """Waits until the resource is Ready for this reason, with its latest spec."""
        reason = reason or FINISHED[kind]

        def reached():
            found = self.get(kind, name)
            ready = self.condition(kind, name)
            return (ready.get('status') == 'True' and ready.get('reason') == reason
                    and ready.get('observedGeneration') == found['metadata']['generation'])
        until(reached, lambda: f'{kind} {name} is ready: {json.dumps(self.get(kind, name).get("status"))}', seconds)

    def refused(self, reason, rule, seconds=120):
        """Waits until the dashboard is neither Ready, for this reason and by this rule, nor verified."""
        def reached():
            ready, verified = (self.condition('horizon', 'horizon', type) for type in ('Ready', 'Verified'))
            return ((ready.get('status'), ready.get('reason')) == ('False', reason) and rule in ready['message']
                    and verified.get('status') == 'False')
        return until(reached, lambda: f'{reason} by {rule}: {json.dumps(self.get("horizon", "horizon").get("status"))}',
                     seconds)

    def configure(self, kind, **spec):
        """Merges this into the resource's spec; None takes a field away."""
        self.kubectl('patch', kind, kind, '--type=merge', '-p', json.dumps({'spec': spec}))

    def asked_anew(self):
        """What comes of a PUT is asked only every few minutes; a change of what it announces asks at once."""
        self.announced += 1
        self.configure('horizon', directUpload={'probe': {'put': {'size': self.announced}}})

    def own_cors(self, *options):
        """Makes these, and no others, the `[cors]` of Glance's own file, as its administrator does."""
        own = (MANIFESTS / 'base/glance-api.conf').read_text()
        if options:
            own += '\n[cors]\n' + '\n'.join(options) + '\n'
        self.own_file('glance', 'glance-api.conf', own)

    def own_file(self, service, name, content):
        """Changes a file of the administrator's own, and restarts the service, as they do."""
        self.kubectl('patch', 'configmap', f'{service}-etc', '-p', json.dumps({'data': {name: content}}))
        self.kubectl('rollout', 'restart', f'deployment/{service}')
        self.rolled_out(service)

    def active(self, name, seconds=60):
        """Waits until Glance has all of the image."""
        def reached():
            image = self.openstack.image(name)
            return image if image and image['status'] == 'active' else None
        return until(reached, lambda: f'{name} is active: {self.openstack.image(name)}', seconds)

    def arrived(self, name, file, seconds=60):
        """The image is active, and what Glance has of it is the file's content."""
        image = self.active(name, seconds)
        with open(file, 'rb') as stream:
            assert image['checksum'] == hashlib.file_digest(stream, 'md5').hexdigest(), image
        assert image['size'] == file.stat().st_size, image

    def expose(self, ingress, keep=()):
        """Applies an Ingress; the edge follows, and goes on serving the names to `keep`."""
        metadata = {'name': ingress['metadata']['name'], 'namespace': self.namespace}
        self.kubectl('replace', '-f', '-', input=json.dumps({
            'apiVersion': ingress['apiVersion'], 'kind': 'Ingress', 'metadata': metadata, 'spec': ingress['spec']}))
        self.edge.sync(keep)

    def accepted(self, origin, seconds=240):
        """Waits until every Glance pod accepts a dashboard's origin, as the status says."""
        def reached():
            origins = {o['origin'] for o in self.get('glance', 'glance').get('status', {}).get('origins', [])}
            return origin in origins and self.condition('glance', 'glance').get('status') == 'True'
        until(reached, lambda: f'{origin} accepted: {json.dumps(self.get("glance", "glance").get("status"))}', seconds)

    def settled(self):
        for kind in ('glance', 'horizon'):
            self.ready(kind, kind)

    def copy_horizon(self, name, host):
        """Another dashboard of the same kind, behind its own host, as its owner would write it."""
        for kind in ('deployment', 'service', 'ingress'):
            found = self.get(kind, 'horizon')
            spec = json.loads(json.dumps(found['spec']).replace('horizon.cloud.test', host)
                              .replace('"app": "horizon"', f'"app": "{name}"')
                              .replace('"service": {"name": "horizon"', f'"service": {{"name": "{name}"'))
            for given in ('clusterIP', 'clusterIPs'):
                spec.pop(given, None)
            if kind == 'deployment':
                without_ours(spec['template']['spec'])
            self.apply('-f', '-', input=json.dumps({
                'apiVersion': found['apiVersion'], 'kind': found['kind'], 'metadata': {'name': name}, 'spec': spec}))
        self.edge.sync()
        self.rolled_out(name)

    def stopped(self, began, ended):
        """Pods of Glance and Horizon that were stopped in this time without a preStop hook to drain."""
        undrained = {r['metadata']['name'] for r in self.get('replicasets')['items'] if not any(
            c.get('lifecycle', {}).get('preStop') for c in r['spec']['template']['spec']['containers'])}
        pods = []
        for event in self.get('events')['items']:
            name = event['involvedObject']['name']
            at = event.get('lastTimestamp') or event.get('eventTime')
            if (event['reason'] == 'Killing' and name.rpartition('-')[0] in undrained
                    and began - 1 <= datetime.datetime.fromisoformat(at).timestamp() <= ended + 1):
                pods.append(name)
        return pods

    def stop(self):
        self.running = False
        self.kubectl('delete', 'namespace', self.namespace, '--timeout=400s', timeout=410)
        self.node.kubectl('delete', 'persistentvolume', f'{self.namespace}-images', '--timeout=30s')
        self.edge.sync()
        shutil.rmtree(self.store)


def without_ours(pod):
    """Takes out of a pod's spec what the operator put there."""
    def ours(entry):
        return entry['name'].startswith('direct-upload')
    pod['volumes'] = [volume for volume in pod['volumes'] if not ours(volume)]
    for container in pod['containers']:
        container['volumeMounts'] = [mount for mount in container['volumeMounts'] if not ours(mount)]
