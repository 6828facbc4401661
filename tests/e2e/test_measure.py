"""What uploads cost the dashboard's pods, and how long they take: legacy, and direct. One run each.

From the click to the moment at which Glance has all of the image; less what the pods use when nobody
does anything, which is their readiness probes.
"""

import json
import random
import threading
import time

import pytest

from harness.browser import Dashboard
from harness.cloud import RESOURCES
from harness.usage import Meter

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
IDLE = 30
TOGETHER = 3


def random_file(path, mebibytes):
    """Neither compression nor a store that leaves holes makes it smaller."""
    with open(path, 'wb') as stream:
        for part in range(mebibytes // 16):
            stream.write(random.Random(part).randbytes(16 << 20))
    return path


@pytest.fixture(scope='module')
def cloud(start_cloud):
    return start_cloud('debian')


def test_one_gibibyte(cloud, operator, open_browser, tmp_path):
    file = random_file(tmp_path / 'gibibyte.raw', 1024)
    dashboard = Dashboard(open_browser(), f'https://{HORIZON}').log_in()
    measured = {}

    def measure(name, host):
        dashboard.open_images()
        dashboard.choose(name, file)
        with Meter(cloud, 'app=horizon') as idle:
            time.sleep(IDLE)
        started = time.monotonic()
        with Meter(cloud, 'app=horizon') as meter:
            dashboard.submit()
            upload = dashboard.watch(name, 1800)
            cloud.active(name, 900)
        seconds = time.monotonic() - started
        assert upload.succeeded and upload.host == host, upload
        cloud.arrived(name, file)
        cpu = meter.used.cpu_seconds - idle.used.cpu_seconds * seconds / IDLE
        measured[name] = {'cpu_seconds': round(cpu, 1), 'memory_mib': meter.used.memory_bytes >> 20,
                          'disk_mib': meter.used.disk_bytes >> 20, 'upload_seconds': round(upload.seconds, 1), 'active_seconds': round(seconds, 1),
                          'idle_cpu_per_second': round(idle.used.cpu_seconds / IDLE, 2)}

    measure('legacy', HORIZON)
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.ready('horizon', 'horizon')
    measure('direct', GLANCE)
    print(json.dumps(measured))
    assert measured['direct']['disk_mib'] < 64 < 1024 <= measured['legacy']['disk_mib'] + 64


def test_several_at_once(cloud, operator, open_browser, tmp_path):
    """Each in a browser of its own, with its own user's click; the time is that of the one who waits longest."""
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.ready('horizon', 'horizon')
    file = random_file(tmp_path / 'several.raw', 256)
    dashboards = [Dashboard(open_browser(), f'https://{HORIZON}').log_in() for _ in range(TOGETHER)]
    measured = {}

    def measure(kind, host):
        names = [f'{kind}-{number}' for number in range(TOGETHER)]
        for dashboard, name in zip(dashboards, names):
            dashboard.prepare(name, file)
        uploads = []
        users = [threading.Thread(target=lambda d=dashboard, n=name: uploads.append(d.watch(n, 1800)))
                 for dashboard, name in zip(dashboards, names)]
        started = time.monotonic()
        with Meter(cloud, 'app=horizon') as meter:
            for dashboard, user in zip(dashboards, users):
                dashboard.submit()
                user.start()
            for user in users:
                user.join()
            for name in names:
                cloud.active(name, 900)
        seconds = time.monotonic() - started
        for name in names:
            cloud.arrived(name, file)
        assert len(uploads) == TOGETHER and all(u.succeeded and u.host == host for u in uploads), uploads
        for dashboard in dashboards:
            dashboard.browser.rest()
        measured[kind] = {'upload_seconds': [round(u.seconds, 1) for u in uploads], 'active_seconds': round(seconds, 1),
                          'cpu_seconds': round(meter.used.cpu_seconds, 1), 'disk_mib': meter.used.disk_bytes >> 20}

    measure('direct', GLANCE)
    cloud.configure('horizon', directUpload={'enabled': False})
    cloud.ready('horizon', 'horizon', 'DirectDisabled')
    measure('legacy', HORIZON)
    print(json.dumps(measured))
    assert measured['direct']['disk_mib'] < 64 < 256 <= measured['legacy']['disk_mib']
