"""Images that are large, and bodies of unknown length."""

import http.client
import json
import os
import shutil
import ssl

import pytest

from harness.browser import Dashboard
from harness.cloud import RESOURCES

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'


@pytest.fixture(scope='module')
def cloud(start_cloud):
    return start_cloud('debian-httpd')


def chunked(cloud, authority, content, name):
    """PUTs an image with chunked transfer through the edge, as a client does that reads a pipe."""
    image = cloud.openstack.create(name)
    context = ssl.create_default_context(cafile=authority.certificate)
    connection = http.client.HTTPSConnection(GLANCE, context=context, timeout=120)
    connection._create_connection = cloud.edge.connect
    connection.request('PUT', f'/v2/images/{image["id"]}/file', iter([content[i:i + 65536] for i in range(0, len(content), 65536)]), {
        'X-Auth-Token': cloud.openstack.token(), 'Content-Type': 'application/octet-stream',
        'Origin': f'https://{HORIZON}'}, encode_chunked=True)
    answer = connection.getresponse()
    return answer.status, answer.getheader('Access-Control-Allow-Origin')


def test_chunked_through_httpd(cloud, operator, authority, image_file):
    content = image_file.read_bytes()
    assert chunked(cloud, authority, content, 'chunked-before')[0] == 411
    cloud.apply('-f', RESOURCES / 'debian-httpd.yaml')
    cloud.ready('horizon', 'horizon')
    assert chunked(cloud, authority, content, 'chunked') == (204, f'https://{HORIZON}')
    cloud.arrived('chunked', image_file)


def test_three_gibibytes(cloud, operator, open_browser, image_file, tmp_path):
    """Sparse: it takes no room here, and all of it in Glance. Less, where the disk has less."""
    free = shutil.disk_usage(cloud.store).free
    size = min(3 << 30, free // 3)
    file = tmp_path / 'large.raw'
    file.touch()
    os.truncate(file, size)
    upload = Dashboard(open_browser(), f'https://{HORIZON}').log_in().upload('large', file, 1800)
    assert (upload.host, upload.status) == (GLANCE, 204), upload
    cloud.arrived('large', file, 300)
    print(json.dumps({'bytes': size, 'seconds': round(upload.seconds)}))
