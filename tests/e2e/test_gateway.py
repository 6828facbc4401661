"""openstack-helm behind HTTPRoutes of a real Gateway: Traefik accepts the routes, answers, limits and cuts by itself.

Each test begins where the one before it ended.
"""

import json

import pytest

from harness.browser import Dashboard
from harness.canary import KEYSTONE, REFUSED, canary, keep_credential
from harness.cloud import RESOURCES
from harness.gateway import Gateway
from harness.operator import ROOT
from harness.shell import until
from harness.uploads import fails, passes

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
# While a PUT is refused it is asked every three minutes; then come three verdicts.
MENDED = 3 * 60 + 120
LIMIT = {'apiVersion': 'traefik.io/v1alpha1', 'kind': 'Middleware', 'metadata': {'name': 'limit'},
         'spec': {'buffering': {'maxRequestBodyBytes': 1 << 20}}}
KEYSTONE_ROUTE = {
    'apiVersion': 'gateway.networking.k8s.io/v1', 'kind': 'HTTPRoute', 'metadata': {'name': 'keystone'},
    'spec': {'parentRefs': [{'name': 'public'}], 'hostnames': [KEYSTONE],
             'rules': [{'backendRefs': [{'name': 'keystone', 'port': 5000}]}]}}


@pytest.fixture(scope='module')
def gateway(request, node, authority, tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp('gateway') / 'traefik', node, authority)
    yield gateway
    gateway.stop()


@pytest.fixture(scope='module')
def cloud(gateway, start_cloud):
    certificate = {'cloud-test': gateway.certificate}
    cloud = start_cloud('openstack-helm-routes', secrets=certificate, **{'horizon-25': 'horizon-25'})
    gateway.start()
    gateway.serves(cloud.namespace)
    return cloud


def test_before(cloud, dashboard, image_file):
    passes(cloud, dashboard, image_file, HORIZON)


def test_direct(cloud, operator, dashboard, image_file):
    cloud.apply('-f', RESOURCES / 'openstack-helm.yaml')
    cloud.settled()
    for kind, host in (('horizon', HORIZON), ('glance', GLANCE)):
        assert cloud.get(kind, kind)['status']['exposures'] == [
            {'url': f'https://{host}', 'from': f'HTTPRoute {cloud.namespace}/{kind}'}]
    origins = cloud.get('glance', 'glance')['status']['origins']
    assert [origin['from'] for origin in origins] == [[f'HTTPRoute {cloud.namespace}/horizon']], origins
    passes(cloud, dashboard, image_file, GLANCE)


def limited(cloud, filters):
    cloud.kubectl('patch', 'httproute', 'glance', '--type=json', '-p', json.dumps([
        {'op': 'add', 'path': '/spec/rules/0/filters', 'value': filters}]))


def within(cloud, time):
    cloud.kubectl('patch', 'httproute', 'glance', '--type=json', '-p', json.dumps(
        [{'op': 'replace', 'path': '/spec/rules/0/timeouts', 'value': {'request': time, 'backendRequest': time}}]))


def test_a_body_limit(cloud, gateway, dashboard, image_file):
    """Traefik's own 413, which has no CORS header. The operator reads the Middleware, and its probe sees the answer."""
    cloud.apply('-f', '-', input=json.dumps(LIMIT))
    limited(cloud, [{'type': 'ExtensionRef', 'extensionRef': {'group': 'traefik.io', 'kind': 'Middleware', 'name': 'limit'}}])
    gateway.serves(cloud.namespace)
    fails(cloud, dashboard, image_file, 'MissingAllowOriginHeader|ERR_')
    cloud.asked_anew()
    cloud.refused('UploadRefused', 'DU014', MENDED)
    advice = cloud.get('glance', 'glance')['status']['advice']
    assert any('Middleware' in line and 'maxRequestBodyBytes' in line for line in advice), advice

    limited(cloud, [])
    cloud.asked_anew()
    cloud.ready('horizon', 'horizon', seconds=MENDED)
    passes(cloud, dashboard, image_file, GLANCE)


def test_a_time_limit(cloud, gateway, dashboard, image_file):
    """Of a route, in its manifest; and of Traefik's entry point, which only its own configuration says: the canary
    finds it."""
    within(cloud, '5s')
    advice = lambda: ' '.join(cloud.get('glance', 'glance')['status'].get('advice', []))
    until(lambda: 'DU015' in advice() and 'timeouts' in advice(), lambda: f'advice: {advice()}', 60)
    within(cloud, '600s')

    cloud.apply('-f', '-', input=json.dumps(KEYSTONE_ROUTE))
    gateway.serves(cloud.namespace)
    # Without access rules: this Glance has no service_type.
    keep_credential(cloud, 'direct-upload-canary', cloud.openstack.application_credential('canary'))
    cloud.node.kubectl('apply', '-k', ROOT / 'deploy/canary')
    gateway.start(readTimeout='5s')
    cloud.configure('horizon', directUpload=canary())
    cloud.refused('UploadRefused', 'DU015', REFUSED)

    gateway.start()
    cloud.ready('horizon', 'horizon', 'UploadVerified', REFUSED)
    passes(cloud, dashboard, image_file, GLANCE)


def test_back(cloud, dashboard, image_file):
    cloud.kubectl('delete', 'horizon,glance', '--all', '--timeout=300s', timeout=310)
    for deployment in ('glance-api', 'horizon'):
        cloud.rolled_out(deployment)
    passes(cloud, dashboard, image_file, HORIZON)
