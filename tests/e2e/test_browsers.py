"""What users see of a direct upload, in the browsers that they have."""

import itertools

import pytest

from harness.browser import Dashboard, DjangoDashboard
from harness.cloud import RESOURCES
from harness.engines import Firefox, WebKit, arrives
from harness.line import HERE, THERE, Line

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
ORIGIN = f'https://{HORIZON}'


def direct(cloud):
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.ready('horizon', 'horizon')
    return cloud


@pytest.fixture(scope='module')
def cloud(start_cloud, operator):
    return direct(start_cloud('debian'))


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


def followed(dashboard, name, file):
    """An upload, each percentage that its progress bar showed, and the errors on the console."""
    dashboard.prepare(name, file)
    dashboard.driver.get_log('browser')
    dashboard.submit()
    seen = []
    upload = dashboard.watch(name, 600, lambda: seen.extend(dashboard.progress()))
    severe = [entry['message'] for entry in dashboard.driver.get_log('browser') if entry['level'] == 'SEVERE']
    return upload, [percent for percent, _ in itertools.groupby(seen)], severe


# Bits per second, seconds each way, share of lost packets.
LINES = {'slow': Line(4e6, 0.1), 'lossy': Line(20e6, 0.03, 0.01)}


def over(kind, cloud, open_browser, image_file, panel=Dashboard):
    """An upload over that line arrives, and leaves no error on the console; each percentage that it showed."""
    before, name = len(uploads(cloud, image_file)), f'over-a-{kind}-line'
    with LINES[kind] as line, cloud.edge.also_at(HERE):
        dashboard = panel(open_browser(elsewhere={GLANCE: THERE}), ORIGIN).log_in()
        upload, steps, severe = followed(dashboard, name, image_file)
        assert upload.succeeded and upload.host == GLANCE, upload
        cloud.arrived(name, image_file)
    put, = uploads(cloud, image_file)[before:]
    assert float(put['seconds']) > 0.8 * image_file.stat().st_size * 8 / line.bits, put
    assert line.lost > 0 or not line.loss, 'the line lost nothing'
    assert not severe, severe
    return steps


@pytest.mark.parametrize('kind', LINES)
def test_the_console_is_clean_on_a_line_that_is(kind, cloud, open_browser, image_file):
    """The AngularJS panel has a progress bar that no release shows: Horizon sends the event to a scope of which
    the form is no part. The form would show it."""
    assert over(kind, cloud, open_browser, image_file) == [], 'Horizon shows progress now: docs/proof.md says that it does not'
    dashboard = Dashboard(open_browser(), ORIGIN).log_in()
    dashboard.prepare('never-sent', image_file)
    dashboard.tell_progress(42)
    assert dashboard.progress() == [42]


@pytest.fixture(scope='module')
def django(start_cloud, operator):
    return direct(start_cloud('debian-django'))


@pytest.mark.parametrize('kind', LINES)
def test_the_progress_bar_moves_and_the_console_is_clean_on_a_line_that_is(kind, django, open_browser, image_file):
    steps = over(kind, django, open_browser, image_file, DjangoDashboard)
    assert steps == sorted(steps) and len(steps) > 3, steps
