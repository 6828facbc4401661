"""A small client for the API server, which keeps its connections, and the paths of the kinds used here."""

import base64
import http.client
import json
import pathlib
import re
import ssl
import threading

JSON = 'application/json'
MERGE_PATCH = 'application/merge-patch+json'
JSON_PATCH = 'application/json-patch+json'

#: Kind → API group and version, plural.
KINDS = {
    'Namespace': ('/api/v1', 'namespaces'),
    'Pod': ('/api/v1', 'pods'),
    'Service': ('/api/v1', 'services'),
    'ServiceAccount': ('/api/v1', 'serviceaccounts'),
    'ConfigMap': ('/api/v1', 'configmaps'),
    'Secret': ('/api/v1', 'secrets'),
    'Event': ('/api/v1', 'events'),
    'Deployment': ('/apis/apps/v1', 'deployments'),
    'StatefulSet': ('/apis/apps/v1', 'statefulsets'),
    'DaemonSet': ('/apis/apps/v1', 'daemonsets'),
    'Job': ('/apis/batch/v1', 'jobs'),
    'Ingress': ('/apis/networking.k8s.io/v1', 'ingresses'),
    'Gateway': ('/apis/gateway.networking.k8s.io/v1', 'gateways'),
    'HTTPRoute': ('/apis/gateway.networking.k8s.io/v1', 'httproutes'),
    'Lease': ('/apis/coordination.k8s.io/v1', 'leases'),
    'ClusterRoleBinding': ('/apis/rbac.authorization.k8s.io/v1', 'clusterrolebindings'),
    'ValidatingWebhookConfiguration': ('/apis/admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations'),
    'CustomResourceDefinition': ('/apis/apiextensions.k8s.io/v1', 'customresourcedefinitions'),
    'Horizon': ('/apis/horizon.openstack.org/v1beta1', 'horizons'),
    'Glance': ('/apis/glance.openstack.org/v1beta1', 'glances'),
}


def path(kind, namespace=None, name=None, sub=None):
    """The path of a list, an object or a subresource; without a namespace: of the cluster."""
    prefix, plural = KINDS[kind]
    parts = [prefix, 'namespaces' if namespace else None, namespace, plural, name, sub]
    return '/'.join(part for part in parts if part)


class ApiError(Exception):
    """An answer of the API server that is no success."""

    def __init__(self, status, text):
        super().__init__(f'{status} {text[:600]}')
        self.status = status


class Kube:
    """One user's access. Any thread may call it: each has a connection of its own."""

    def __init__(self, kubeconfig):
        text = pathlib.Path(kubeconfig).read_text()

        def field(name):
            return re.search(rf'{name}: *"?([^"\n]+)', text).group(1)

        self.address = field('server').split('://')[1]
        self.token = field('token')
        authority = base64.b64decode(field('certificate-authority-data')).decode()
        self.tls = ssl.create_default_context(cadata=authority)
        self.local = threading.local()

    def request(self, method, path, body=None, content_type=JSON, accepted=()):
        """The parsed answer. A status of 300 or more that is not in `accepted` is an ApiError."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {**self._headers(), 'Content-Type': content_type}
        # The server may have closed the connection since it was last used: then a new one is taken, once.
        for last in (False, True):
            connection = getattr(self.local, 'connection', None) or self._connect(60)
            self.local.connection = connection
            try:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                raw = answer.read()
                break
            except (OSError, http.client.HTTPException):
                self.local.connection = None
                if last:
                    raise
        if answer.status >= 300 and answer.status not in accepted:
            raise ApiError(answer.status, raw.decode(errors='replace'))
        return json.loads(raw) if raw[:1] == b'{' else raw.decode()

    def get(self, path):
        """The object, or None if there is none."""
        try:
            return self.request('GET', path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path):
        return self.request('GET', path)['items']

    def create(self, path, object_, **options):
        return self.request('POST', path, object_, **options)

    def merge(self, path, patch, **options):
        return self.request('PATCH', path, patch, MERGE_PATCH, **options)

    def replace_fields(self, path, operations):
        return self.request('PATCH', path, operations, JSON_PATCH)

    def delete(self, path, **options):
        """An object that is gone already, or is being deleted, is not an error."""
        return self.request('DELETE', path, options or None, accepted=(404, 409))

    def follow(self, path, note):
        """Calls `note(object, deleted)` for each object and each change, for ever."""
        version = None
        while True:
            try:
                if version is None:
                    listed = self.request('GET', path)
                    for object_ in listed['items']:
                        note(object_, False)
                    version = listed['metadata']['resourceVersion']
                connection = self._connect(300)
                query = f'watch=true&allowWatchBookmarks=true&resourceVersion={version}'
                connection.request('GET', f'{path}?{query}', headers=self._headers())
                answer = connection.getresponse()
                while line := answer.readline():
                    event = json.loads(line)
                    if event['type'] == 'ERROR':
                        version = None
                        break
                    version = event['object']['metadata']['resourceVersion']
                    if event['type'] != 'BOOKMARK':
                        note(event['object'], event['type'] == 'DELETED')
            except (ApiError, OSError, http.client.HTTPException, ValueError):
                threading.Event().wait(0.3)

    def _connect(self, timeout):
        return http.client.HTTPSConnection(self.address, context=self.tls, timeout=timeout)

    def _headers(self):
        return {'Authorization': f'Bearer {self.token}', 'Accept': JSON}
