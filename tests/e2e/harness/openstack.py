"""The little that the tests ask of Keystone and Glance by themselves: a token, and images."""

import json
import urllib.request


class OpenStack:
    """Talks to the Services' own addresses, past the edge."""

    def __init__(self, keystone, glance, user='admin', project='admin'):
        self.keystone, self.glance = keystone, glance
        self.user, self.project = user, project
        self._token = None

    def token(self):
        if self._token is None:
            body = {'auth': {
                'identity': {'methods': ['password'], 'password': {'user': {
                    'name': self.user, 'domain': {'id': 'default'}, 'password': 'secret'}}},
                'scope': {'project': {'name': self.project, 'domain': {'id': 'default'}}}}}
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

    def application_credential(self, project, *rules):
        """Of a project and a user of that name, which this makes; with these access rules, if any. Its id and secret."""
        made, = self._call('POST', '/v3/projects', {'project': {'name': project}}, api=self.keystone).values()
        user, = self._call('POST', '/v3/users', {'user': {'name': project, 'password': 'secret'}},
                           api=self.keystone).values()
        role, = self._call('GET', '/v3/roles?name=member', api=self.keystone)['roles']
        self._call('PUT', f'/v3/projects/{made["id"]}/users/{user["id"]}/roles/{role["id"]}', api=self.keystone)
        return OpenStack(self.keystone, self.glance, project, project)._own_credential('canary', rules)

    def lister(self, *rules):
        """An application credential of the administrator's own: it lists the images of all projects."""
        return self._own_credential('lister', rules)

    def _own_credential(self, name, rules):
        told = self._call('GET', '/v3/auth/tokens', api=self.keystone, about=self.token())['token']
        body = {'application_credential': {'name': name, **({'access_rules': rules} if rules else {})}}
        made, = self._call('POST', f'/v3/users/{told["user"]["id"]}/application_credentials', body,
                           api=self.keystone).values()
        return made['id'], made['secret']

    def _call(self, method, path, body=None, api=None, about=None):
        request = urllib.request.Request(
            (api or self.glance) + path, json.dumps(body).encode() if body else None, method=method,
            headers={'X-Auth-Token': self.token(), 'Content-Type': 'application/json',
                     **({'X-Subject-Token': about} if about else {})})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None
