"""`verify` plays a person with a browser, against real dashboards of three releases: legacy and direct, with the
requests of both image panels; what breaks is named, and no image stays.

The program is the one that is built here, and runs on this machine, as on an administrator's laptop.
"""

import json
import os
import pathlib
import subprocess

import pytest

from harness.cloud import RESOURCES
from harness.edge import ON_PUT
from harness.shell import run, say, until

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get('CARGO_TARGET_DIR', ROOT / 'target'))


@pytest.fixture(scope='session')
def program():
    run('cargo', 'build', '--locked', '--manifest-path', ROOT / 'Cargo.toml', timeout=1800)
    return TARGET / 'debug/direct-upload-operator'


@pytest.fixture
def verify(program, node, authority):
    def ask(cloud, *arguments, password='secret', code=0):
        """The account of one attempt; an image of ours is never left."""
        command = [program, 'verify', '--dashboard', f'https://{HORIZON}', '--username', 'admin', '--project', 'admin',
                   '--ca', authority.certificate, '--timeout', '60s', '-o', 'json', *arguments]
        for name in (HORIZON, GLANCE):
            command += ['--resolve', f'{name}:443:{node.address}']
        environment = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
        done = subprocess.run(command, env={**environment, 'OS_PASSWORD': password}, capture_output=True, text=True,
                              timeout=600)
        assert done.stdout, done.stderr
        account = json.loads(done.stdout)
        for step in account['steps']:
            say(f'{step["result"]:8}{step["step"]:10} {step["message"]}')
        assert code is None or done.returncode == code, done.stdout
        assert account['leftover'] is None, done.stdout
        names = [image['name'] for image in cloud.openstack.images()]
        assert not any(name.startswith('direct-upload-verify') for name in names), names
        return account
    return ask


def works(account, mode, panel):
    assert (account['verdict'], account['mode'], account['panel']) == ('works', mode, panel), account
    host = GLANCE if mode == 'direct' else HORIZON
    assert account['uploadUrl'].startswith(f'https://{host}/'), account
    content = next(step for step in account['steps'] if step['step'] == 'content')
    assert 'sha512' in content['message'], account


def breaks(account, step, rule):
    failure = account['failure']
    assert (failure['step'], failure['rule']) == (step, rule), account


def warm(verify, cloud):
    """A process of Horizon that has just started answers its first logins with 500 now and then."""
    def logs_in():
        failure = verify(cloud, code=None)['failure']
        return failure is None or failure['step'] != 'login'
    until(lambda: all(logs_in() for _ in range(3)), 'logins succeed', 120)


def both_modes(cloud, verify, resources, panel):
    """Legacy, as the cloud's owner left it; then direct, by the operator."""
    works(verify(cloud, '--size', '8MiB'), 'legacy', panel)
    breaks(verify(cloud, '--mode', 'direct', code=1), 'settings', 'DU016')
    cloud.apply('-f', RESOURCES / resources)
    cloud.ready('horizon', 'horizon')
    warm(verify, cloud)
    works(verify(cloud, '--size', '8MiB', '--mode', 'direct'), 'direct', panel)
    other = 'django' if panel == 'angular' else 'angular'
    works(verify(cloud, '--panel', other), 'direct', other)


def test_debian(start_cloud, operator, verify, edge):
    """2023.1, and what breaks."""
    cloud = start_cloud('debian')
    both_modes(cloud, verify, 'debian.yaml', 'angular')
    breaks(verify(cloud, password='wrong', code=1), 'login', None)
    with edge.broken(GLANCE, ON_PUT % 'return 413;'):
        breaks(verify(cloud, code=1), 'upload', 'DU014')
    with edge.broken(GLANCE, ON_PUT % 'proxy_hide_header Access-Control-Allow-Origin; @PASS@'):
        breaks(verify(cloud, code=1), 'upload', 'DU012')
    with edge.broken(HORIZON, "location / { add_header Content-Security-Policy \"connect-src 'self'\"; @PASS@ }"):
        breaks(verify(cloud, code=1), 'policy', 'DU013')
    with edge.broken(HORIZON, 'location / { return 302 https://sso.example.com/authorize; }'):
        # nginx takes a moment to replace its workers.
        until(lambda: verify(cloud, code=1)['failure']['step'] == 'dashboard', 'single sign-on is refused at once', 30)


def test_debian_with_the_django_panel(start_cloud, operator, verify):
    both_modes(start_cloud('debian-django'), verify, 'debian.yaml', 'django')


@pytest.mark.parametrize('release', ['horizon-25', 'horizon-27'])
def test_openstack_helm(release, start_cloud, operator, verify):
    """2026.1, whose uploads always carry X-CSRFToken, and 2026.2, whose scripts strip it."""
    cloud = start_cloud('openstack-helm', horizon=release)
    both_modes(cloud, verify, 'openstack-helm.yaml', 'angular')
