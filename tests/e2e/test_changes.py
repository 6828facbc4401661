"""Two users upload one image after the other; meanwhile the cloud changes. No upload is lost.

The tests are steps of one story: each begins where the one before it ended.
"""

import copy
import json
import random
import threading

import pytest

from harness.browser import Dashboard
from harness.cloud import RESOURCES
from harness.uploads import Users

HORIZON, GLANCE, PORTAL, SECOND = (f'{name}.cloud.test' for name in ('horizon', 'glance', 'portal', 'second'))


@pytest.fixture(scope='module')
def cloud(start_cloud):
    return start_cloud('debian')


@pytest.fixture(scope='module')
def dashboards(open_browser, cloud):
    return [Dashboard(open_browser(), f'https://{HORIZON}').log_in() for _ in range(2)]


@pytest.fixture
def users(request, cloud, dashboards, image_file):
    return Users(cloud, image_file, *dashboards, name=request.node.name.removeprefix('test_'))


def test_first_enablement(cloud, operator, users):
    with users:
        cloud.apply('-f', RESOURCES / 'debian.yaml')
        cloud.ready('glance', 'glance')
        cloud.ready('horizon', 'horizon')
    assert not users.lost()
    assert users.ways()[0] == HORIZON and users.ways()[-1] == GLANCE


def test_operator_killed_at_random_moments(cloud, operator, users):
    """While it has work: Glance's answer to preflights changes, and so its pods roll."""
    dice, done = random.Random(4), threading.Event()

    def murder():
        while not done.wait(dice.uniform(1, 8)):
            operator.kill()
    murderer = threading.Thread(target=murder, daemon=True)
    with users:
        murderer.start()
        for age in (600, 601):
            cloud.configure('glance', cors={'maxAge': age})
            cloud.ready('glance', 'glance', seconds=400)
        done.set()
        murderer.join()
    assert not users.lost()
    operator.rolled_out()


def test_a_new_hostname(cloud, users, dashboards, open_browser):
    """The new name comes beside the old one, which then leaves; a tab stays open on the old one."""
    ingress = cloud.get('ingress', 'horizon')
    both = copy.deepcopy(ingress)
    rule = copy.deepcopy(both['spec']['rules'][0])
    rule['host'] = PORTAL
    both['spec']['rules'].append(rule)
    both['spec']['tls'][0]['hosts'].append(PORTAL)
    new = copy.deepcopy(both)
    del new['spec']['rules'][0], new['spec']['tls'][0]['hosts'][0]
    with users:
        cloud.expose(both)
        cloud.accepted(f'https://{PORTAL}')
        portal = Dashboard(open_browser(), f'https://{PORTAL}').log_in()
        with Users(cloud, users.file, portal, name='portal') as newcomer:
            cloud.expose(new, keep=[HORIZON])
            cloud.settled()
    assert not users.lost()
    assert not newcomer.lost()
    assert set(users.ways()) == set(newcomer.ways()) == {GLANCE}
    cloud.expose(ingress)
    cloud.settled()


def test_a_second_horizon_joins_and_leaves(cloud, users, open_browser, image_file):
    with users:
        cloud.copy_horizon('second', SECOND)
        cloud.apply('-f', '-', input=json.dumps({
            'apiVersion': 'horizon.openstack.org/v1beta1', 'kind': 'Horizon', 'metadata': {'name': 'second'},
            'spec': cloud.get('horizon', 'horizon')['spec']}))
        cloud.ready('horizon', 'second')
        second = Dashboard(open_browser(), f'https://{SECOND}').log_in()
        upload = second.upload('second', image_file)
        assert (upload.host, upload.status) == (GLANCE, 204), upload
        cloud.kubectl('delete', 'horizon', 'second', '--timeout=180s', timeout=190)
        upload = second.upload('second-again', image_file)
        assert upload.host == SECOND and upload.succeeded, upload
    assert not users.lost()
    assert set(users.ways()) == {GLANCE}


def test_glance_is_scaled(cloud, users):
    with users:
        for replicas in (3, 2):
            cloud.kubectl('scale', 'deployment/glance', f'--replicas={replicas}')
            cloud.rolled_out('glance')
            users.more(1)
    assert not users.lost()
    assert set(users.ways()) == {GLANCE}


def test_disabled(cloud, users):
    with users:
        cloud.configure('horizon', directUpload={'enabled': False})
        cloud.ready('horizon', 'horizon', 'DirectDisabled')
    assert not users.lost()
    assert users.ways()[0] == GLANCE and users.ways()[-1] == HORIZON


def test_enabled_again(cloud, users):
    with users:
        cloud.configure('horizon', directUpload={'enabled': True})
        cloud.ready('horizon', 'horizon')
    assert not users.lost()
    assert users.ways()[0] == HORIZON and users.ways()[-1] == GLANCE


def test_glance_deleted_first(cloud, users):
    """Glance's resource waits until Horizon has gone back, as long as Horizon's own says so."""
    with users:
        cloud.kubectl('delete', 'glance', 'glance', '--timeout=300s', timeout=310)
        cloud.rolled_out('glance')
        cloud.rolled_out('horizon')
    assert not users.lost()
    assert users.ways()[0] == GLANCE and users.ways()[-1] == HORIZON


def test_both_again_and_horizon_deleted(cloud, users):
    with users:
        cloud.apply('-f', RESOURCES / 'debian.yaml')
        cloud.ready('horizon', 'horizon')
        users.more(1)
        cloud.kubectl('delete', 'horizon', 'horizon', '--timeout=300s', timeout=310)
        cloud.rolled_out('horizon')
    assert not users.lost()
    assert users.ways()[0] == HORIZON and users.ways()[-1] == HORIZON and GLANCE in users.ways()
