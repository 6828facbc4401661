"""The canary, with a real Keystone and a real Glance: it finds what no request without data can, and leaves nothing.

Each test begins where the one before it ended.
"""

import json

import pytest

from harness.canary import KEYSTONE, PASSED, REFUSED, RULES, canary, keep_credential
from harness.cloud import RESOURCES
from harness.faults import cut
from harness.operator import ROOT
from harness.shell import until

LIST = {'service': 'image', 'method': 'GET', 'path': '/v2/images'}


def expose_keystone(cloud):
    backend = {'service': {'name': 'keystone', 'port': {'number': 5000}}}
    cloud.apply('-f', '-', input=json.dumps({
        'apiVersion': 'networking.k8s.io/v1', 'kind': 'Ingress', 'metadata': {'name': 'keystone'},
        'spec': {'rules': [{'host': KEYSTONE, 'http': {'paths': [
            {'path': '/', 'pathType': 'Prefix', 'backend': backend}]}}]}}))
    cloud.edge.sync()


@pytest.fixture(scope='module')
def cloud(start_cloud, operator):
    cloud = start_cloud('debian')
    expose_keystone(cloud)
    keep_credential(cloud, 'direct-upload-canary', cloud.openstack.application_credential('canary', *RULES))
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.ready('horizon', 'horizon')
    return cloud


def advice(cloud):
    return ' '.join(cloud.get('horizon', 'horizon')['status'].get('advice', []))


def left(cloud):
    return [image['name'] for image in cloud.openstack.images() if image['name'].startswith('direct-upload-canary-')]


def test_without_a_right_on_the_secret_that_is_said(cloud):
    cloud.configure('horizon', directUpload=canary())
    until(lambda: 'direct-upload-canary' in advice(cloud), lambda: f'advice: {advice(cloud)}', 180)
    cloud.ready('horizon', 'horizon')


def test_an_upload_of_its_own(cloud):
    cloud.node.kubectl('apply', '-k', ROOT / 'deploy/canary')
    cloud.ready('horizon', 'horizon', 'UploadVerified', PASSED)
    until(lambda: not left(cloud), lambda: f'nothing stays in Glance: {left(cloud)}', 60)


def test_what_cuts_an_upload_is_found(cloud):
    with cut(cloud, 5):
        cloud.refused('UploadRefused', 'DU015', REFUSED)
    cloud.ready('horizon', 'horizon', 'UploadVerified', REFUSED)
    until(lambda: not left(cloud), lambda: f'nothing stays in Glance: {left(cloud)}', 60)


def test_images_that_stay_queued_are_counted(cloud):
    """Of a user's project, too, by a credential that lists them. Nobody deletes them."""
    image = cloud.openstack.create('stuck')
    cloud.openstack.create('young')
    keep_credential(cloud, 'direct-upload-lister', cloud.openstack.lister(LIST))
    cloud.kubectl('patch', 'role', 'direct-upload-operator-canary', '--type=json', '-p', json.dumps(
        [{'op': 'add', 'path': '/rules/0/resourceNames/-', 'value': 'direct-upload-lister'}]))
    # Ten minutes is the least that the spec takes.
    cloud.kubectl('exec', 'deployment/mariadb', '--', 'mysql', 'glance', '-e',
                  f"UPDATE images SET updated_at = '2026-01-02 03:04:05' WHERE id = '{image['id']}'")
    cloud.configure('horizon', directUpload=canary(
        stuckImages={'credentialSecretRef': {'name': 'direct-upload-lister'}, 'olderThan': '10m'}))
    until(lambda: 'stay queued' in advice(cloud) and '2026-01-02' in advice(cloud),
          lambda: f'advice: {advice(cloud)}', PASSED)
    assert {'stuck', 'young'} <= {image['name'] for image in cloud.openstack.images()}
    cloud.openstack.delete(image)
    until(lambda: '2026-01-02' not in advice(cloud), lambda: f'advice: {advice(cloud)}', PASSED)
    cloud.ready('horizon', 'horizon', 'UploadVerified')
