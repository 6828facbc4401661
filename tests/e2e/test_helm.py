"""The operator as a Helm release: it comes, goes by its own hook while uploads go on, and comes again."""

import pytest

from harness.cloud import RESOURCES
from harness.operator import NAMESPACE, ROOT
from harness.shell import run

RELEASE = 'direct-upload-operator'
HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
KINDS = 'glances,horizons'


@pytest.fixture(scope='module')
def helm(node, operator):
    """helm, where no operator is installed; afterwards the one is back that other tests use."""
    def helm(*arguments):
        return run(ROOT / 'tests/helm/helm', '-n', NAMESPACE, *arguments, env=node.env, timeout=400)
    operator.remove()
    yield helm
    helm('uninstall', RELEASE, '--ignore-not-found', '--wait')
    operator.install()


@pytest.fixture(scope='module')
def cloud(start_cloud, helm):
    return start_cloud('debian')


def install(helm):
    helm('install', RELEASE, ROOT / 'deploy/helm' / RELEASE, '--create-namespace', '--wait', '--timeout=3m')


def workloads(cloud):
    return {name: cloud.get('deployment', name)['spec'] for name in ('glance', 'horizon')}


def uploads_directly(cloud, dashboard, name, file):
    upload = dashboard.upload(name, file)
    assert (upload.method, upload.host, upload.status) == ('PUT', GLANCE, 204), upload
    cloud.arrived(name, file)


def test_a_release_makes_it_direct(cloud, helm, dashboard, image_file):
    install(helm)
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.settled()
    uploads_directly(cloud, dashboard, 'released', image_file)


def test_uninstalled_it_leaves_nothing_to_wait_for(cloud, helm, dashboard, image_file):
    before = workloads(cloud)
    helm('uninstall', RELEASE, '--wait', '--timeout=5m')
    held = [f'{o["kind"]}: {o["metadata"]["finalizers"]}' for o in cloud.get(KINDS)['items']
            if 'finalizers' in o['metadata']]
    assert not held
    left = cloud.node.kubectl('-n', NAMESPACE, 'get', 'deployments,jobs,pods,roles,serviceaccounts', '-o', 'name')
    assert [name for name in left.split() if name != 'serviceaccount/default'] == []
    assert workloads(cloud) == before
    uploads_directly(cloud, dashboard, 'uninstalled', image_file)


def test_installed_again_it_gives_everything_back(cloud, helm, dashboard, image_file):
    before = workloads(cloud)
    install(helm)
    cloud.settled()
    assert workloads(cloud) == before, 'no pod is replaced for it'
    cloud.kubectl('delete', KINDS, '--all', '--timeout=300s', timeout=310)
    for name in before:
        assert 'direct-upload' not in str(workloads(cloud)[name])
        cloud.rolled_out(name)
    upload = dashboard.upload('given-back', image_file)
    assert (upload.method, upload.host) == ('POST', HORIZON), upload
    assert upload.succeeded, upload
