"""An upload that takes longer than a roll, while Glance rolls: it dies without the drain, and lives with it."""

import pytest

from harness.browser import Dashboard
from harness.cloud import RESOURCES
from harness.shell import until

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
SECONDS = 60


@pytest.fixture(scope='module')
def cloud(start_cloud, operator):
    cloud = start_cloud('debian')
    # The administrator's part: time for uploads to end.
    cloud.kubectl('patch', 'deployment', 'glance', '-p',
                  '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":150}}}}')
    cloud.rolled_out('glance')
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    return cloud


@pytest.fixture(scope='module')
def dashboard(cloud, open_browser):
    cloud.settled()
    return Dashboard(open_browser(), f'https://{HORIZON}').log_in()


def upload_during_a_roll(cloud, dashboard, file, name, age):
    """Glance's answer to preflights changes while it receives the image."""
    dashboard.open_images()
    dashboard.choose(name, file)
    dashboard.browser.throttle(file.stat().st_size // SECONDS)
    dashboard.submit()
    until(lambda: (cloud.openstack.image(name) or {}).get('status') == 'saving', 'Glance receives the image')
    before = {pod['metadata']['uid'] for pod in cloud.get('pods', '-l', 'app=glance')['items']}
    cloud.configure('glance', cors={'maxAge': age})
    upload = dashboard.watch(name, 5 * SECONDS)
    dashboard.browser.throttle(-1)
    cloud.settled()
    after = {pod['metadata']['uid'] for pod in cloud.get('pods', '-l', 'app=glance')['items']
             if not pod['metadata'].get('deletionTimestamp')}
    assert not before & after, 'every pod was replaced meanwhile'
    return upload


def test_without_the_drain_it_dies(cloud, dashboard, image_file):
    cloud.configure('glance', rollout={'drain': {'enabled': False}})
    cloud.settled()
    cloud.rolled_out('glance')
    upload = upload_during_a_roll(cloud, dashboard, image_file, 'cut', 700)
    assert not upload.succeeded, upload
    assert cloud.openstack.image('cut')['status'] != 'active'


def test_with_the_drain_it_lives(cloud, dashboard, image_file):
    cloud.configure('glance', rollout={'drain': {'enabled': True, 'preStopSeconds': 2 * SECONDS}}, cors={'maxAge': 800})
    cloud.settled()  # this roll brings the drain
    cloud.rolled_out('glance')
    upload = upload_during_a_roll(cloud, dashboard, image_file, 'drained', 801)
    assert upload.status == 204, upload
    cloud.arrived('drained', image_file)
