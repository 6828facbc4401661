"""What users see of a direct upload, in the browsers that they have."""

import itertools

import pytest

from harness.browser import Dashboard
from harness.cloud import RESOURCES
from harness.engines import Firefox, WebKit, arrives

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
ORIGIN = f'https://{HORIZON}'


@pytest.fixture(scope='module')
def cloud(start_cloud, operator):
    cloud = start_cloud('debian')
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.ready('horizon', 'horizon')
    return cloud


@pytest.fixture(params=[Firefox, WebKit], ids=['Firefox', 'WebKitGTK'])
def engine(request, tmp_path, authority, node):
    engine = request.param(tmp_path / 'engine', authority, node.address, [HORIZON, GLANCE])
    request.module.browsers = [engine]
    yield engine
    engine.close()


def uploads(cloud, file):
    """The requests that brought a whole file; those that the operator makes bring none."""
    size = file.stat().st_size
    return [entry for entry in cloud.edge.requests() if entry['method'] == 'PUT' and int(entry['received']) > size]


def test_an_upload_by(engine, cloud, image_file):
    before = len(uploads(cloud, image_file))
    dashboard = Dashboard(engine, ORIGIN).log_in()
    arrives(dashboard, cloud, type(engine).__name__, image_file)
    put, = uploads(cloud, image_file)[before:]
    assert (put['host'], int(put['status'])) == (GLANCE, 204), put


def test_the_progress_bar_moves_and_the_console_is_clean(cloud, open_browser, image_file):
    dashboard = Dashboard(open_browser(), ORIGIN).log_in()
    dashboard.prepare('watched', image_file)
    dashboard.driver.get_log('browser')
    dashboard.browser.throttle(image_file.stat().st_size // 10)
    dashboard.submit()
    seen = []
    upload = dashboard.watch('watched', 300, lambda: seen.extend(dashboard.progress()))
    dashboard.browser.throttle(-1)
    assert upload.succeeded, upload
    steps = [percent for percent, _ in itertools.groupby(seen)]
    assert steps == sorted(steps) and len(steps) > 3, steps
    said = [entry['message'] for entry in dashboard.driver.get_log('browser') if entry['level'] == 'SEVERE']
    assert not said, said
