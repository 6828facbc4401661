"""glance-api behind an httpd of its own pod, which gets its TLS from the operator: mod_proxy, and uWSGI."""

import json
import os
import socket
import ssl
import time

import pytest

from harness.client import GLANCE, HEADERS, ORIGIN, Client, Inside, pieces
from harness.cloud import RESOURCES
from harness.shell import until

HORIZON = 'horizon.cloud.test'
TLS_PORT = 9443


@pytest.fixture(scope='module', params=['debian-mod-proxy', 'debian-mod-proxy-uwsgi'])
def cloud(request, start_cloud, authority):
    cloud = start_cloud(request.param)
    cloud.shape = request.param
    # Not the edge's: this one is the pods' own.
    cloud.certificate, key = authority.issue(f'{request.param}-pods', [GLANCE])
    cloud.kubectl('create', 'secret', 'tls', 'glance-tls', f'--cert={cloud.certificate}', f'--key={key}')
    return cloud


@pytest.fixture(scope='module')
def client(cloud, authority):
    return Client(cloud, authority)


@pytest.fixture(scope='module')
def inside(cloud, authority):
    return Inside(cloud, authority)


@pytest.fixture(scope='module')
def uwsgi(cloud):
    return cloud.shape.endswith('uwsgi')


def silent(file):
    """A client that falls silent for longer than Debian's RequestReadTimeout allows: 20 s from the first byte
    on, and one more for each 500 bytes."""
    content = file.read_bytes()
    yield content[:1]
    time.sleep(30)
    yield content[1:]


def test_before(cloud, client, inside, uwsgi, dashboard, image_file):
    """Nobody listens where the edge leads; uWSGI's module refuses what is in chunks, and what is large."""
    assert client.preflight().status == 502
    # Only the length is stated: httpd looks at no more.
    large = inside.put('too-large', iter([b'x']), (1 << 30) + 1) if uwsgi else None
    assert not large or large.status == 413
    cut = inside.put('cut', silent(image_file), image_file.stat().st_size)
    assert cut.status == (500 if uwsgi else 408)
    upload = dashboard.upload('before', image_file)
    assert (upload.method, upload.host) == ('POST', HORIZON) and upload.succeeded, upload
    if not uwsgi:
        cloud.arrived('before', image_file)
        return
    # Horizon has answered the browser; what it then sends to Glance is in chunks.
    image = cloud.openstack.image('before')
    refused = f'"PUT /v2/images/{image["id"]}/file HTTP/1.1" 411'
    until(lambda: refused in logs(cloud), lambda: f'{refused}: {logs(cloud)}')
    assert cloud.openstack.image('before')['status'] == 'queued'


def logs(cloud):
    return cloud.kubectl('logs', '-l', 'app=glance', '--tail=-1')


def test_direct(cloud, operator, dashboard, image_file):
    cloud.apply('-f', RESOURCES / f'{cloud.shape}.yaml')
    cloud.ready('glance', 'glance')
    cloud.ready('horizon', 'horizon')
    upload = dashboard.upload('after', image_file)
    assert (upload.method, upload.host, upload.status) == ('PUT', GLANCE, 204), upload
    cloud.arrived('after', image_file)


def test_preflight_once(client):
    answer = client.preflight()
    said = {name: answer.headers.get_all(f'Access-Control-Allow-{name}') for name in ('Origin', 'Methods', 'Headers')}
    assert (answer.status, said) == (200, {'Origin': [ORIGIN], 'Methods': ['PUT'], 'Headers': [HEADERS]})


def test_pods_show_the_secrets_certificate(cloud, client):
    pods = cloud.get('pods', '-l', 'app=glance')['items']
    assert len(pods) == 2
    for pod in pods:
        with socket.create_connection((pod['status']['podIP'], TLS_PORT), 30) as plain, \
                client.context.wrap_socket(plain, server_hostname=GLANCE) as connection:
            assert connection.getpeercert(True) == ssl.PEM_cert_to_DER_cert(cloud.certificate.read_text())


def test_more_than_a_gibibyte(cloud, client, tmp_path):
    """Sparse: it takes no room here, and all of it in Glance."""
    file = tmp_path / 'large.raw'
    file.touch()
    os.truncate(file, (1 << 30) + 1)
    assert client.put_file('large', file).status == 204
    cloud.arrived('large', file, 300)
    cloud.openstack.delete(cloud.openstack.image('large'))


def test_silence(cloud, client, image_file):
    assert client.put('silent', silent(image_file), image_file.stat().st_size).status == 204
    cloud.arrived('silent', image_file)


def test_chunked(cloud, client, uwsgi, image_file):
    answer = client.put('chunked', pieces(image_file))
    if uwsgi:
        assert answer.status == 411
    else:
        assert (answer.status, answer.getheader('Access-Control-Allow-Origin')) == (204, ORIGIN)
        cloud.arrived('chunked', image_file)


def test_pods_are_given_back(cloud, client):
    cloud.kubectl('delete', 'horizon,glance', '--all', '--timeout=300s', timeout=310)
    for name in ('glance', 'horizon'):
        cloud.rolled_out(name)
        found = json.dumps(cloud.get('deployment', name)['spec'])
        assert 'direct-upload' not in found, found
    assert client.preflight().status == 502
