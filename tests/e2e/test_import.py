"""Images that come in by import, and an API for users beside one for services."""

import contextlib
import gzip
import hashlib
import json
import urllib.error
import urllib.request

import pytest

from harness.cloud import RESOURCES
from harness.shell import until

ORIGIN = 'https://horizon.cloud.test'
# Where the volume that the Glances share is in their pods.
SHARED = '/var/lib/glance/images'


@pytest.fixture(scope='module')
def cloud(start_cloud, operator):
    cloud = start_cloud('debian-import')
    cloud.apply('-f', RESOURCES / 'debian-import.yaml')
    cloud.ready('glance', 'glance')
    for deployment in ('glance', 'glance-internal'):
        cloud.rolled_out(deployment)
    return cloud


@pytest.fixture(scope='module')
def images(cloud, image_file):
    """The same image as qcow2, packed, and as qemu-img itself makes raw of it: (path, packed path, bytes)."""
    (cloud.store / 'source.raw').write_bytes(image_file.read_bytes() + bytes(4 << 20))
    for source, target, name in (('raw', 'qcow2', 'source'), ('qcow2', 'raw', 'expected')):
        cloud.kubectl('exec', 'deployment/glance', '--', 'qemu-img', 'convert', '-f', source, '-O', target,
                      f'{SHARED}/source.{source}', f'{SHARED}/{name}.{target}')
    qcow2 = cloud.store / 'source.qcow2'
    packed = cloud.store / 'source.qcow2.gz'
    packed.write_bytes(gzip.compress(qcow2.read_bytes(), 1))
    return qcow2, packed, (cloud.store / 'expected.raw').read_bytes()


def ask(cloud, service, method, path, body=None, headers=None):
    """The answer's status, headers and body."""
    kind = {'Content-Type': 'application/json'} if isinstance(body, (dict, list)) else {
        'Content-Type': 'application/octet-stream'}
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    request = urllib.request.Request(cloud.service(service) + path, data, method=method, headers={
        'X-Auth-Token': cloud.openstack.token(), **kind, **(headers or {})})
    with contextlib.closing(_open(request)) as answer:
        return answer.status, answer.headers, answer.read()


def _open(request):
    try:
        return urllib.request.urlopen(request, timeout=120)
    except urllib.error.HTTPError as error:
        return error


def create(cloud, name, disk_format='qcow2', service='glance'):
    status, _, body = ask(cloud, service, 'POST', '/v2/images', {
        'name': name, 'disk_format': disk_format, 'container_format': 'bare'})
    assert status == 201, body
    return json.loads(body)['id']


def imported(cloud, image, method, service='glance'):
    return ask(cloud, service, 'POST', f'/v2/images/{image}/import', {'method': method})


def converted(cloud, image, name, expected):
    """The image is active and raw, has what every image gets, and its download is qemu-img's own conversion."""
    found = cloud.active(name, 120)
    assert (found['disk_format'], found['size']) == ('raw', len(expected)), found
    assert found['os_admin_user'] == 'cloud', found
    status, _, body = ask(cloud, 'glance', 'GET', f'/v2/images/{image}/file')
    assert status == 200
    assert body == expected
    print(json.dumps({'image': name, 'bytes': len(body), 'sha256': hashlib.sha256(body).hexdigest()}))


def test_staged_image_is_converted(cloud, images):
    qcow2, _, expected = images
    image = create(cloud, 'staged')
    assert ask(cloud, 'glance', 'PUT', f'/v2/images/{image}/stage', qcow2.read_bytes())[0] == 204
    # Asked of whichever pod answers: one of two has staged it.
    assert imported(cloud, image, {'name': 'glance-direct'})[0] == 202
    converted(cloud, image, 'staged', expected)


def test_packed_image_is_unpacked_first(cloud, images):
    _, packed, expected = images
    image = create(cloud, 'packed')
    assert ask(cloud, 'glance', 'PUT', f'/v2/images/{image}/stage', packed.read_bytes())[0] == 204
    assert imported(cloud, image, {'name': 'glance-direct'})[0] == 202
    converted(cloud, image, 'packed', expected)


def test_web_download_through_the_filter(cloud, images):
    image = create(cloud, 'fetched')
    elsewhere, allowed = (f'{name}.openstack.svc.cluster.local' for name in ('elsewhere', 'images'))
    for url in (f'http://{elsewhere}:8080/source.qcow2', f'http://{allowed}:9292/source.qcow2', f'ftp://{allowed}:8080/'):
        status, _, body = imported(cloud, image, {'name': 'web-download', 'uri': url})
        assert (status, b'filter' in body) == (400, True), (url, body)
    fetch = {'name': 'web-download', 'uri': f'http://{allowed}:8080/source.qcow2'}
    status, _, body = imported(cloud, image, fetch)
    assert status == 202, body
    converted(cloud, image, 'fetched', images[2])


def test_each_api_refuses_what_the_other_does(cloud, images):
    content = images[0].read_bytes()
    image = create(cloud, 'uploaded')
    # A little only: the answer comes before Glance has read what is sent.
    assert ask(cloud, 'glance', 'PUT', f'/v2/images/{image}/file', content[:512])[0] == 403
    assert ask(cloud, 'glance-internal', 'PUT', f'/v2/images/{image}/stage', content[:512])[0] == 404
    assert imported(cloud, image, {'name': 'glance-direct'}, 'glance-internal')[0] == 400
    assert ask(cloud, 'glance-internal', 'PUT', f'/v2/images/{image}/file', content)[0] == 204
    assert cloud.active('uploaded')['disk_format'] == 'qcow2'
    public = [{'op': 'replace', 'path': '/visibility', 'value': 'public'}]
    patch = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
    assert ask(cloud, 'glance-internal', 'PATCH', f'/v2/images/{image}', public, patch)[0] == 403
    assert ask(cloud, 'glance', 'PATCH', f'/v2/images/{image}', public, patch)[0] == 200


def test_no_browser_goes_round(cloud):
    """Horizon is kept off direct, and no origin is let in: not by the public API, not by the internal."""
    ready = until(lambda: cloud.condition('horizon', 'horizon'), 'Horizon has a status', 60)
    assert (ready['status'], ready['reason']) == ('False', 'ImportRequired'), ready
    assert 'DU021' in ready['message']
    volumes = cloud.get('deployment', 'horizon')['spec']['template']['spec'].get('volumes', [])
    assert not [v for v in volumes if v['name'].startswith('direct-upload')]
    for service in ('glance', 'glance-internal'):
        _, headers, _ = ask(cloud, service, 'OPTIONS', '/v2/images', headers={
            'Origin': ORIGIN, 'Access-Control-Request-Method': 'PUT'})
        assert headers['Access-Control-Allow-Origin'] is None, service


def test_pods_know_their_address(cloud):
    """And each is told by another where the staged data is."""
    addresses = {pod['status']['podIP'] for pod in cloud.get('pods', '-l', 'app=glance')['items']}
    for pod in cloud.get('pods', '-l', 'app=glance')['items']:
        url = cloud.kubectl('exec', pod['metadata']['name'], '--', 'printenv', 'OS_DEFAULT__WORKER_SELF_REFERENCE_URL')
        assert url.strip() == f'http://{pod["status"]["podIP"]}:9292'
    image = create(cloud, 'located')
    assert ask(cloud, 'glance', 'PUT', f'/v2/images/{image}/stage', b'x')[0] == 204
    # Glance hides the property from users; its database has it.
    found = cloud.kubectl('exec', 'deployment/mariadb', '--', 'mysql', '-N', '-uglance', '-pglance', '-h', 'mariadb', 'glance',
                          '-e', f"select value from image_properties where image_id='{image}' and name='os_glance_stage_host'")
    assert found.strip() in {f'http://{address}:9292' for address in addresses}, found


def test_both_workloads_are_given_back(cloud):
    cloud.kubectl('delete', 'horizon,glance', '--all', '--timeout=300s', timeout=310)
    for name in ('glance', 'glance-internal'):
        cloud.rolled_out(name)
        found = json.dumps(cloud.get('deployment', name)['spec'])
        assert 'direct-upload' not in found.lower(), found
    image = create(cloud, 'after', 'raw')
    assert ask(cloud, 'glance', 'PUT', f'/v2/images/{image}/file', b'x' * 512)[0] == 204
