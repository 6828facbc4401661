"""Users who upload an image, or one after the other while something changes."""

import dataclasses
import itertools
import re
import threading

from selenium.common.exceptions import WebDriverException

from .browser import Upload
from .shell import say, until


NAMES = (f'image-{number}' for number in itertools.count())


def passes(cloud, dashboard, file, host):
    """A user's upload arrives: straight at Glance, or through Horizon."""
    name = next(NAMES)
    upload = dashboard.upload(name, file)
    assert upload.host == host and upload.succeeded, upload
    cloud.arrived(name, file)


def fails(cloud, dashboard, file, error, arrives=False):
    """A user's direct upload ends with this error, as the browser calls it, although the image may arrive."""
    name = next(NAMES)
    upload = dashboard.upload(name, file, 90)
    assert upload.method == 'PUT' and not upload.succeeded and re.search(error, upload.failed or ''), upload
    if arrives:
        cloud.arrived(name, file)
    else:
        assert cloud.openstack.image(name)['status'] != 'active', upload


@dataclasses.dataclass
class Lost:
    upload: Upload
    why: str


class Users:
    """One for each dashboard. Leaves them at work for the body of a `with`."""

    def __init__(self, cloud, file, *dashboards, name='upload'):
        self.cloud, self.file, self.dashboards, self.name = cloud, file, dashboards, name
        self.uploads = []
        self._stop = threading.Event()
        self._threads = []

    def __enter__(self):
        for number, dashboard in enumerate(self.dashboards):
            thread = threading.Thread(target=self._work, args=(number, dashboard), daemon=True)
            thread.start()
            self._threads.append(thread)
        self.more(1)
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            self.more(2)
        self._stop.set()
        for thread in self._threads:
            thread.join(300)

    def more(self, uploads):
        """Waits until every user has ended as many uploads again."""
        wanted = {d: self._ended(d) + uploads for d in self.dashboards}
        until(lambda: all(self._ended(d) >= n for d, n in wanted.items()), 'users go on uploading', 600)

    def _ended(self, dashboard):
        return sum(1 for _, by in self.uploads if by is dashboard)

    def _work(self, number, dashboard):
        for turn in itertools.count():
            if self._stop.is_set():
                return
            name = f'{self.name}-{number}-{turn}'
            try:
                upload = dashboard.upload(name, self.file, 180)
            except (TimeoutError, WebDriverException) as error:
                upload = Upload(name, failed=f'the page did not work: {error}')
            self.uploads.append((upload, dashboard))

    def lost(self):
        """Those that failed, or of which Glance has not all.

        Not among them, but told and counted: uploads in flight on a pod that was stopped and had
        nothing to drain it, as before the first roll. Nothing but the workload's owner can save those.
        """
        lost, cut = [], []
        for upload, _ in self.uploads:
            why = self._failure(upload)
            if why is None:
                continue
            pods = self._under(upload)
            say(f'failed: {upload}: {why}; in flight when these were stopped undrained: {pods}')
            (cut if pods else lost).append(Lost(upload, why))
        ways = self.ways()
        say(f'{self.name}: {len(ways)} uploads, {len(lost)} lost, {len(cut)} cut without a drain; '
            + ', '.join(f'{ways.count(host)} to {host}' for host in sorted(set(ways), key=str)))
        return lost

    def _failure(self, upload):
        if not upload.succeeded:
            return 'the browser was not told that it succeeded'
        try:
            self.cloud.arrived(upload.name, self.file)
        except (AssertionError, TimeoutError) as error:
            return str(error)
        return None

    def _under(self, upload):
        if upload.began is None:
            return []
        # Horizon answers before it has passed all on to Glance.
        behind = 30 if upload.method == 'POST' else 0
        return self.cloud.stopped(upload.began, upload.began + upload.seconds + behind)

    def ways(self):
        """Where the data went, in the order in which the uploads ended."""
        return [upload.host for upload, _ in self.uploads]
