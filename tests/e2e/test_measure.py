"""What one upload of 1 GiB costs the dashboard's pods: legacy, and direct. One run each."""

import json
import random

import pytest

from harness.browser import Dashboard
from harness.cloud import RESOURCES
from harness.usage import Meter

HORIZON, GLANCE = 'horizon.cloud.test', 'glance.cloud.test'


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
        with Meter(cloud, 'app=horizon') as meter:
            upload = dashboard.upload(name, file, 1800)
            assert upload.succeeded and upload.host == host, upload
            cloud.arrived(name, file, 900)
        measured[name] = {'cpu_seconds': round(meter.used.cpu_seconds, 1),
                          'memory_mib': meter.used.memory_bytes >> 20,
                          'disk_mib': meter.used.disk_bytes >> 20, 'seconds': round(upload.seconds, 1)}

    measure('legacy', HORIZON)
    cloud.apply('-f', RESOURCES / 'debian.yaml')
    cloud.ready('horizon', 'horizon')
    measure('direct', GLANCE)
    print(json.dumps(measured))
    assert measured['direct']['disk_mib'] < 64 < 1024 <= measured['legacy']['disk_mib'] + 64
