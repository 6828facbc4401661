"""A page of another origin calls Keystone and Glance with a token, and reads what they expose; before: refused."""

import json

import pytest

from harness.cloud import RESOURCES

PORTAL, KEYSTONE, GLANCE = (f'https://{name}.cloud.test' for name in ('portal', 'second', 'glance'))
LOGIN = {'auth': {
    'identity': {'methods': ['password'], 'password': {'user': {
        'name': 'admin', 'domain': {'id': 'default'}, 'password': 'secret'}}},
    'scope': {'project': {'name': 'admin', 'domain': {'id': 'default'}}}}}
CALL = '''
const [method, url, headers, body, done] = arguments;
fetch(url, {method, headers, body}).then(async answer => done({
    status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text(),
})).catch(error => done({refused: String(error)}));
'''


@pytest.fixture(scope='module')
def cloud(start_cloud, operator):
    cloud = start_cloud('debian')
    cloud.apply('-f', RESOURCES / 'apis.yaml')
    cloud.edge.sync()
    return cloud


@pytest.fixture(scope='module')
def page(open_browser, cloud):
    driver = open_browser().driver

    def call(method, url, headers=None, body=None):
        # Between the tests the browser rests on another page.
        driver.get(f'{PORTAL}/v3')
        driver.set_script_timeout(60)
        assert driver.execute_script('return location.origin') == PORTAL
        body = json.dumps(body) if body is not None else None
        headers = {**(headers or {}), **({'Content-Type': 'application/json'} if body else {})}
        return driver.execute_async_script(CALL, method, url, headers, body)
    return call


def test_before_the_browser_refuses(page):
    for url in (f'{KEYSTONE}/v3/auth/tokens', f'{GLANCE}/v2/images'):
        assert 'refused' in page('GET', url, {'X-Auth-Token': 'none'}), url


def test_the_operator_sees_that_the_page_may_call(cloud):
    cloud.apply('-f', RESOURCES / 'apis-accepted.yaml')
    cloud.ready('openstackapi', 'keystone', reason='Verified', seconds=600)
    cloud.ready('glance', 'glance', seconds=600)
    assert cloud.condition('openstackapi', 'keystone', 'Verified')['status'] == 'True'


def test_the_page_logs_in_and_reads_the_token_in_a_header(page):
    answer = page('POST', f'{KEYSTONE}/v3/auth/tokens', body=LOGIN)
    assert answer.get('status') == 201, answer
    token = answer['headers'].get('x-subject-token')
    assert token, answer['headers']
    images = page('GET', f'{GLANCE}/v2/images', {'X-Auth-Token': token})
    assert images.get('status') == 200 and 'images' in json.loads(images['body']), images
    assert images['headers'].get('x-openstack-request-id'), images['headers']
    projects = page('GET', f'{KEYSTONE}/v3/auth/projects', {'X-Auth-Token': token})
    assert projects.get('status') == 200, projects
    # A method that must be listed, with a header that only Keystone knows.
    ended = page('DELETE', f'{KEYSTONE}/v3/auth/tokens', {'X-Auth-Token': token, 'X-Subject-Token': token})
    assert ended.get('status') == 204, ended


def test_once_it_is_deleted_the_browser_refuses_again(cloud, page):
    cloud.kubectl('delete', 'openstackapi', 'keystone', '--timeout=300s')
    cloud.rolled_out('keystone')
    assert 'refused' in page('GET', f'{KEYSTONE}/v3/auth/tokens', {'X-Auth-Token': 'none'})
