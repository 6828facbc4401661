"""Images that are large, and bodies of unknown length."""

import json
import os

import pytest

from harness.browser import Dashboard
from harness.client import Client, pieces
from harness.cloud import RESOURCES

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'


@pytest.fixture(scope='module')
def cloud(start_cloud):
    return start_cloud('debian-httpd')


def test_chunked_through_httpd(cloud, operator, authority, image_file):
    client = Client(cloud, authority)
    assert client.put('chunked-before', pieces(image_file)).status == 411
    cloud.apply('-f', RESOURCES / 'debian-httpd.yaml')
    cloud.ready('horizon', 'horizon')
    answer = client.put('chunked', pieces(image_file))
    assert (answer.status, answer.getheader('Access-Control-Allow-Origin')) == (204, f'https://{HORIZON}')
    cloud.arrived('chunked', image_file)


def test_six_gibibytes(cloud, operator, open_browser, tmp_path):
    """More than 2^32 bytes. Sparse here, and in Glance, whose store is told to leave holes."""
    cloud.apply('-f', RESOURCES / 'debian-httpd.yaml')
    cloud.ready('horizon', 'horizon')
    size = 6 << 30
    file = tmp_path / 'large.raw'
    file.touch()
    os.truncate(file, size)
    upload = Dashboard(open_browser(), f'https://{HORIZON}').log_in().upload('large', file, 3600)
    assert (upload.host, upload.status) == (GLANCE, 204), upload
    cloud.arrived('large', file, 600)
    print(json.dumps({'bytes': size, 'seconds': round(upload.seconds)}))
