"""Images that start by kolla's own set_configs.py and start.sh, with the files that kolla-ansible's templates give.

No resource names a layout. kolla-ansible sets the mode `direct` itself, and its [cors] lacks X-CSRFToken. Its
administrator may go back to `legacy`, in _9999-custom-settings.py. Each test begins where the one before it ended.
"""

import json

import pytest

from harness import kolla
from harness.browser import Dashboard
from harness.cloud import RESOURCES
from harness.shell import run
from harness.uploads import fails, passes

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
CUSTOM = '_9999-custom-settings.py'
LEGACY = "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n"
SNIPPETS = '/etc/openstack-dashboard/local_settings.d'


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    files = kolla.Files(tmp_path_factory.mktemp('kolla-ansible'))
    return {'glance-api': files.glance(), 'horizon': files.horizon()}


@pytest.fixture(scope='module')
def cloud(start_cloud, files):
    assert "HORIZON_IMAGES_UPLOAD_MODE = 'direct'" in files['horizon']['_9998-kolla-settings.py']
    assert f'[cors]\nallowed_origin = https://{HORIZON}\n' in files['glance-api']['glance-api.conf']
    files['horizon'][CUSTOM] += LEGACY
    return start_cloud('kolla', secrets=files, **{'kolla-horizon': 'kolla-horizon', 'kolla-glance': 'kolla-glance'})


@pytest.fixture(scope='module')
def dashboard(cloud, open_browser):
    return Dashboard(open_browser(), f'https://{HORIZON}').log_in()


def test_before_as_its_administrator_set_it(cloud, dashboard, image_file):
    passes(cloud, dashboard, image_file, HORIZON)


def test_two_resources_without_a_layout_make_it_direct(cloud, operator, dashboard, image_file):
    cloud.apply('-f', RESOURCES / 'kolla.yaml')
    cloud.ready('glance', 'glance')
    cloud.ready('horizon', 'horizon')
    passes(cloud, dashboard, image_file, GLANCE)


def test_what_kolla_s_scripts_left_in_place(cloud, files):
    """Its files are copies that it owns; ours are mounted beside them, and sort last."""
    names = inside(cloud, 'horizon', 'ls', SNIPPETS).split()
    ours = next(name for name in names if name.startswith('zz-direct-upload'))
    assert sorted(names)[-3:] == ['_9998-kolla-settings.py', CUSTOM, ours], names
    owners = inside(cloud, 'horizon', 'stat', '-c', '%U %a', f'{SNIPPETS}/{CUSTOM}', f'{SNIPPETS}/{ours}')
    assert owners.split('\n') == ['horizon 600', 'root 644'], owners
    assert inside(cloud, 'horizon', 'cat', f'{SNIPPETS}/{CUSTOM}') == files['horizon'][CUSTOM].strip()
    # Nothing that the resource does not name was copied or given another owner.
    mounts = cloud.get('deployment', 'horizon')['spec']['template']['spec']['containers'][0]['volumeMounts']
    assert f'{SNIPPETS}/{ours}' in [mount['mountPath'] for mount in mounts]
    assert not cloud.get('deployment', 'horizon')['spec']['template']['spec'].get('initContainers')


def test_a_container_restarts(cloud, dashboard, image_file):
    """start.sh and set_configs.py run again, beside the mounted file."""
    pod = cloud.get('pods', '-l', 'app=horizon')['items'][0]['metadata']['name']
    # The oldest is the container's first process.
    run('kill', '-KILL', run('pgrep', '--oldest', '--full', '/etc/horizon/horizon-uwsgi.ini').strip())
    cloud.kubectl('wait', f'pod/{pod}', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', '--timeout=120s')
    cloud.kubectl('wait', f'pod/{pod}', '--for=condition=Ready', '--timeout=300s', timeout=310)
    passes(cloud, dashboard, image_file, GLANCE)


def test_back(cloud, dashboard, image_file):
    cloud.kubectl('delete', 'horizon,glance', '--all', '--timeout=600s', timeout=610)
    for deployment in ('glance-api', 'horizon'):
        cloud.rolled_out(deployment)
        found = json.dumps(cloud.get('deployment', deployment)['spec'])
        assert 'direct-upload' not in found, found
    passes(cloud, dashboard, image_file, HORIZON)


def test_as_kolla_ansible_ships_it(cloud, files, operator, dashboard, open_browser, image_file):
    """Its own `direct` fails: Horizon sends X-CSRFToken, which [cors] does not allow. A Glance resource mends it."""
    files['horizon'][CUSTOM] = files['horizon'][CUSTOM].removesuffix(LEGACY)
    cloud.kubectl('patch', 'secret', 'horizon', '-p', json.dumps({'stringData': files['horizon']}))
    cloud.kubectl('rollout', 'restart', 'deployment/horizon')
    cloud.rolled_out('horizon')
    dashboard = Dashboard(open_browser(), f'https://{HORIZON}').log_in()
    # oslo.middleware leaves out every header.
    fails(cloud, dashboard, image_file, 'PreflightMissingAllowOriginHeader')

    cloud.apply('-f', RESOURCES / 'kolla.yaml')
    cloud.settled()
    passes(cloud, dashboard, image_file, GLANCE)


def inside(cloud, deployment, *command):
    return cloud.kubectl('exec', f'deployment/{deployment}', '-c', deployment, '--', *command).strip()
