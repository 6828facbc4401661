"""A cloud that runs; then the two resources, and nothing else. Then back."""

import pytest

from harness.cloud import RESOURCES
from harness.faults import FAULTS, GLANCE, HORIZON, broken_and_mended


@pytest.fixture(scope='module')
def cloud(start_cloud):
    return start_cloud('debian')


def test_before_the_upload_passes_through_horizon(cloud, dashboard, image_file):
    upload = dashboard.upload('before', image_file)
    assert (upload.method, upload.host) == ('POST', HORIZON), upload
    assert upload.succeeded, upload
    cloud.arrived('before', image_file)


def test_two_resources_make_it_direct(cloud, operator, dashboard, image_file):
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.ready('glance', 'glance')
    cloud.ready('horizon', 'horizon')
    upload = dashboard.upload('after', image_file)
    assert (upload.method, upload.host) == ('PUT', GLANCE), upload
    assert upload.status == 204, upload
    cloud.arrived('after', image_file)


@pytest.mark.parametrize('fault', ['body limit', 'CORS headers stripped'])
def test_an_edge_that_lets_the_preflight_pass_and_no_upload(fault, cloud, dashboard, image_file):
    """Two of those in test_truth.py."""
    broken_and_mended(cloud, dashboard, FAULTS[fault], image_file)


def test_disabled_it_passes_through_horizon_again(cloud, dashboard, image_file):
    cloud.kubectl('patch', 'horizon', 'horizon', '--type=merge', '-p', '{"spec":{"directUpload":{"enabled":false}}}')
    cloud.ready('horizon', 'horizon', 'DirectDisabled')
    upload = dashboard.upload('back', image_file)
    assert (upload.method, upload.host) == ('POST', HORIZON), upload
    assert upload.succeeded, upload
    cloud.arrived('back', image_file)
