"""openstack-helm's shape, with the two newest releases of Horizon: before, direct, and back."""

import pytest

from harness.browser import Dashboard
from harness.cloud import RESOURCES

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'


@pytest.mark.parametrize('release', ['horizon-25', 'horizon-27'])
def test_first_enablement_and_back(release, start_cloud, operator, open_browser, image_file):
    cloud = start_cloud('openstack-helm', horizon=release)
    dashboard = Dashboard(open_browser(), f'https://{HORIZON}').log_in()

    upload = dashboard.upload('before', image_file)
    assert (upload.method, upload.host) == ('POST', HORIZON) and upload.succeeded, upload
    cloud.arrived('before', image_file)

    cloud.apply('-f', RESOURCES / 'openstack-helm.yaml')
    cloud.ready('horizon', 'horizon')
    upload = dashboard.upload('after', image_file)
    assert (upload.method, upload.host, upload.status) == ('PUT', GLANCE, 204), upload
    cloud.arrived('after', image_file)

    cloud.kubectl('delete', 'horizon,glance', '--all', '--timeout=300s', timeout=310)
    for deployment in ('glance-api', 'horizon'):
        cloud.rolled_out(deployment)
    upload = dashboard.upload('back', image_file)
    assert (upload.method, upload.host) == ('POST', HORIZON) and upload.succeeded, upload
    cloud.arrived('back', image_file)
