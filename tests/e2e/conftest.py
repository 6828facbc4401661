"""What the tests share: one node, one edge, one operator; a cloud and browsers for each module."""

import os
import pathlib
import random
import signal

import pytest

from harness.browser import Browser, Dashboard
from harness.cloud import Cloud
from harness.edge import Edge
from harness.node import Node
from harness.operator import Operator
from harness.pki import Authority
from harness.shell import say

# Everything that an Ingress of these tests may call itself.
NAMES = [f'{name}.cloud.test' for name in ('horizon', 'glance', 'portal', 'second', 'keystone')]
WORK = pathlib.Path(os.environ['E2E_WORK'])
IMAGES = dict(line.split('=', 1) for line in os.environ['E2E_IMAGES'].split())  # name=tag


def pytest_configure():
    """Ended by a signal, too, the run takes its node, edge and browsers along."""
    def end(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


@pytest.fixture(scope='session')
def authority():
    return Authority(WORK / 'pki', NAMES)


@pytest.fixture(scope='session')
def node():
    node = Node(WORK / 'node')
    try:
        node.import_images(*os.environ['E2E_ARCHIVES'].split())
        yield node
    finally:
        node.close()


@pytest.fixture(scope='session')
def edge(node, authority):
    edge = Edge(WORK / 'edge', node, authority)
    yield edge
    edge.close()


@pytest.fixture(scope='session')
def operator(node):
    return Operator(node).install()


@pytest.fixture(scope='module')
def start_cloud(request, node, edge):
    """Starts a cloud of a shape, with the images that stand for the manifests' names."""
    clouds = []

    def start(shape, secrets=None, **images):
        """The cloud that ran before it is gone then: there is one at a time. `secrets`: its files by Secret."""
        stop()
        named = {'localhost/openstack': IMAGES['openstack'], 'localhost/horizon-debian': IMAGES['horizon-debian'],
                 **{f'localhost/{name}': IMAGES[image] for name, image in images.items()}}
        cloud = Cloud(WORK / f'{request.module.__name__}-{len(clouds)}', node, edge, shape, named, secrets)
        clouds.append(cloud)
        return cloud.start()

    def stop():
        if clouds and clouds[-1].running:
            clouds[-1].stop()
    yield start
    stop()


@pytest.fixture(scope='module')
def open_browser(request, authority, node):
    browsers = []

    def open_one(**options):
        folder = WORK / f'{request.module.__name__}-browser-{len(browsers)}'
        browsers.append(Browser(folder, authority, node.address, **options))
        return browsers[-1]
    request.module.browsers = browsers
    yield open_one
    for browser in browsers:
        browser.close()


@pytest.fixture(scope='module')
def dashboard(open_browser, cloud):
    return Dashboard(open_browser(), 'https://horizon.cloud.test').log_in()


@pytest.fixture(scope='session')
def image_file():
    """Eight mebibytes that no compression and no luck could make equal."""
    file = WORK / 'image.raw'
    file.write_bytes(random.Random(1).randbytes(8 << 20))
    return file


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and call.when != 'teardown':
        keep(item, report.longreprtext)
    if call.when == 'call':
        for browser in getattr(item.module, 'browsers', []):
            browser.rest()
    return report


def keep(item, why):
    """Screens, consoles, objects and logs of the moment at which a test failed."""
    folder = WORK / 'failures' / item.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'why').write_text(why)
    for number, browser in enumerate(getattr(item.module, 'browsers', [])):
        browser.keep(folder / f'browser-{number}')
    node = item.funcargs.get('node') or getattr(item.funcargs.get('cloud'), 'node', None)
    if node:
        for name, command in {
            'objects.yaml': ['get', 'glance,horizon,deployments,replicasets,pods,configmaps,ingresses,services',
                             '-A', '-o', 'yaml'],
            'events': ['get', 'events', '-A', '--sort-by=.metadata.creationTimestamp'],
        }.items():
            (folder / name).write_text(node.kubectl(*command, check=False))
        for pod in node.list('pods'):
            namespace, name = pod['metadata']['namespace'], pod['metadata']['name']
            (folder / f'{namespace}-{name}.log').write_text(node.kubectl(
                '-n', namespace, 'logs', name, '--all-containers', '--tail=2000', check=False))
    say(f'what is known of the failure is in {folder}')
