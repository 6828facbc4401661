"""The little that the tests ask of Keystone and Glance by themselves: a token, and images."""

import json
import urllib.request


class OpenStack:
    """Talks to the Services' own addresses, past the edge."""

    def __init__(self, keystone, glance):
        self.keystone, self.glance = keystone, glance
        self._token = None

    def token(self):
        if self._token is None:
            body = {'auth': {
                'identity': {'methods': ['password'], 'password': {'user': {
                    'name': 'admin', 'domain': {'id': 'default'}, 'password': 'secret'}}},
                'scope': {'project': {'name': 'admin', 'domain': {'id': 'default'}}}}}
            request = urllib.request.Request(
                f'{self.keystone}/v3/auth/tokens', json.dumps(body).encode(), {'Content-Type': 'application/json'})
            with urllib.request.urlopen(request, timeout=30) as answer:
                self._token = answer.headers['X-Subject-Token']
        return self._token

    def image(self, name):
        """The image of this name as Glance knows it, or None."""
        found = self._call('GET', f'/v2/images?name={name}')['images']
        assert len(found) < 2, f'{len(found)} images are called {name}'
        return found[0] if found else None

    def images(self):
        return self._call('GET', '/v2/images?limit=1000')['images']

    def create(self, name):
        """An image without data."""
        return self._call('POST', '/v2/images', {'name': name, 'disk_format': 'raw', 'container_format': 'bare'})

    def delete(self, image):
        self._call('DELETE', f'/v2/images/{image["id"]}')

    def publish(self, url):
        """Makes this the catalog's public image endpoint; says what it was. Tokens hold the catalog of their day."""
        service, = self._call('GET', '/v3/services?type=image', api=self.keystone)['services']
        path = f'/v3/endpoints?interface=public&service_id={service["id"]}'
        endpoint, = self._call('GET', path, api=self.keystone)['endpoints']
        self._call('PATCH', f'/v3/endpoints/{endpoint["id"]}', {'endpoint': {'url': url}}, api=self.keystone)
        return endpoint['url']

    def _call(self, method, path, body=None, api=None):
        request = urllib.request.Request(
            (api or self.glance) + path, json.dumps(body).encode() if body else None, method=method,
            headers={'X-Auth-Token': self.token(), 'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None
