"""What one upload of 1 GiB costs the dashboard's pods: legacy, and direct. One run each.

From the click to the moment at which Glance has all of the image; less what the pods use when nobody
does anything, which is their readiness probes.
"""

import json
import random
import time

import pytest

from harness.browser import Dashboard
from harness.cloud import RESOURCES
from harness.usage import Meter

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'
IDLE = 30


@pytest.fixture(scope='module')
def cloud(start_cloud):
    return start_cloud('debian')


def test_one_gibibyte(cloud, operator, open_browser, tmp_path):
    file = tmp_path / 'gibibyte.raw'
    with open(file, 'wb') as stream:
        for part in range(64):
            stream.write(random.Random(part).randbytes(16 << 20))
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
                          'disk_mib': meter.used.disk_bytes >> 20, 'seconds': round(seconds, 1),
                          'idle_cpu_per_second': round(idle.used.cpu_seconds / IDLE, 2)}

    measure('legacy', HORIZON)
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.ready('horizon', 'horizon')
    measure('direct', GLANCE)
    print(json.dumps(measured))
    assert measured['direct']['disk_mib'] < 64 < 1024 <= measured['legacy']['disk_mib'] + 64
