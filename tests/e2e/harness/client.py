"""A client that is no browser: it says how long its image is, or sends it in chunks as it reads a pipe."""

import http.client
import ssl
import urllib.parse

ORIGIN, GLANCE = 'https://horizon.cloud.test', 'glance.cloud.test'
HEADERS = 'content-type,x-auth-token,x-csrftoken'
PIECE = 1 << 20


class Client:
    """Goes through the edge, as browsers do."""

    def __init__(self, cloud, authority):
        self.cloud = cloud
        self.context = ssl.create_default_context(cafile=authority.certificate)

    def connect(self):
        connection = http.client.HTTPSConnection(GLANCE, context=self.context, timeout=600)
        connection._create_connection = self.cloud.edge.connect
        return connection

    def put(self, name, pieces, length=None):
        """Creates an image and PUTs its data. An answer may come before all is sent."""
        image = self.cloud.openstack.create(name)
        headers = {'X-Auth-Token': self.cloud.openstack.token(), 'Content-Type': 'application/octet-stream',
                   'Origin': ORIGIN, **({} if length is None else {'Content-Length': str(length)})}
        connection = self.connect()
        try:
            connection.request('PUT', f'/v2/images/{image["id"]}/file', pieces, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return connection.getresponse()

    def put_file(self, name, file):
        return self.put(name, pieces(file), file.stat().st_size)

    def preflight(self):
        """What a browser asks before it uploads."""
        connection = self.connect()
        connection.request('OPTIONS', '/v2/images/some/file', headers={
            'Origin': ORIGIN, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': HEADERS})
        return connection.getresponse()


class Inside(Client):
    """Goes to Glance's Service, past the edge, as the cloud's own services do."""

    def connect(self):
        return http.client.HTTPConnection(urllib.parse.urlsplit(self.cloud.service('glance')).netloc, timeout=600)


def pieces(file):
    with open(file, 'rb') as stream:
        while piece := stream.read(PIECE):
            yield piece
