"""Watches what decides whether uploads work, so that the order can be checked at every revision, afterwards."""

import threading
import time
import typing

import order
from kube import path

KINDS = ('Deployment', 'Pod', 'ConfigMap', 'Ingress')


class Change(typing.NamedTuple):
    """One revision of one object."""

    revision: int  # etcd's: one count for all kinds
    kind: str
    name: str
    object: dict  # None: it was deleted
    time: float  # seconds since 1970, when we saw it


class Monitor:
    def __init__(self, kube):
        self.changes, self.forgotten, self.lock = {}, set(), threading.Lock()  # by namespace
        for kind in KINDS:
            threading.Thread(target=kube.follow, args=(path(kind), self._noting(kind)), daemon=True).start()

    def _noting(self, kind):
        def note(object_, deleted):
            metadata = object_['metadata']
            change = Change(int(metadata['resourceVersion']), kind, metadata['name'],
                            None if deleted else object_, time.time())
            namespace = metadata['namespace']
            with self.lock:
                if namespace not in self.forgotten:
                    self.changes.setdefault(namespace, []).append(change)
        return note

    def check(self, namespace, retirements=None):
        """Violations of the order and rolls of each workload, see order.py."""
        with self.lock:
            changes = sorted(self.changes.get(namespace, []), key=lambda change: change.revision)
        return order.check(changes, retirements or {})

    def forget(self, namespace):
        """Its run is over; many runs would fill the memory."""
        with self.lock:
            self.forgotten.add(namespace)
            self.changes.pop(namespace, None)
