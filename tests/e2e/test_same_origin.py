"""A cloud without CORS: Glance under a path of the dashboard's own host, led there by Horizon's httpd."""

import json

import pytest

from harness.cloud import RESOURCES
from harness.shell import until

HORIZON = 'horizon.cloud.test'


@pytest.fixture(scope='module')
def cloud(start_cloud):
    return start_cloud('same-origin')


def preflights(cloud):
    return [r for r in cloud.edge.requests() if r['method'] == 'OPTIONS' and r['uri'].startswith('/image/')]


def test_direct_and_no_preflight(cloud, operator, dashboard, image_file):
    cloud.apply('-f', RESOURCES / 'same-origin.yaml')
    cloud.ready('horizon', 'horizon', seconds=600)
    upload = dashboard.upload('one-origin', image_file)
    assert (upload.method, upload.host, upload.status) == ('PUT', HORIZON, 204), upload
    assert upload.url.startswith(f'https://{HORIZON}/image/v2/images/'), upload
    assert upload.preflights == 0 and not preflights(cloud), preflights(cloud)
    cloud.arrived('one-origin', image_file)


def test_glance_is_as_it_was(cloud):
    pod = cloud.get('deployment', 'glance')['spec']['template']['spec']
    assert not any(volume['name'].startswith('direct-upload') for volume in pod['volumes']), pod


def test_without_the_way_it_passes_through_horizon(cloud, dashboard, image_file):
    cloud.kubectl('patch', 'horizon', 'horizon', '--type=merge', '-p', '{"spec":{"httpd":{"glanceProxy":null}}}')

    def refused():
        verified = cloud.condition('horizon', 'horizon', 'Verified')
        return verified.get('status') == 'False' and verified.get('reason') == 'PreflightRefused'
    until(refused, lambda: f'it sees that nothing leads to Glance: {json.dumps(cloud.get("horizon", "horizon").get("status"))}', 600)
    cloud.rolled_out('horizon')
    upload = dashboard.upload('back', image_file)
    assert (upload.method, upload.host) == ('POST', HORIZON) and upload.succeeded, upload
    cloud.arrived('back', image_file)
