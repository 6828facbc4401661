"""What all runs of one command share: a control plane, the edge, the fault proxy and the order monitor."""

import functools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import operators
from cluster import REPOSITORY, Cluster
from edge import Edge
from monitor import Monitor
from namespace import Namespace
from operators import Operator
from proxy import Lane, Proxy

#: Results and the logs of failed runs stay here.
RESULTS = REPOSITORY / 'target/chaos'


class Lab:
    """Use it by `with`: at the end all its processes end, and its folder goes.

    It is made in the main thread: what setpriv starts ends with the thread that started it.
    """

    def __init__(self, stand_in=True, monitor=True):
        self.binary = operators.binary()
        if not self.binary.exists():
            raise SystemExit(f'chaos: there is no operator at {self.binary}')
        built = time.strftime('%Y-%m-%d %H:%M', time.localtime(self.binary.stat().st_mtime))
        print(f'chaos: the operator is {self.binary}, built {built}', flush=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='direct-upload-chaos.'))
        self.operators, self.cluster, self.proxy = [], None, None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupted)
        try:
            self.cluster = Cluster(self.folder, stand_in)
            self.cluster.await_ready()
            self.kube = self.cluster.kube
            self.edge = Edge(self.folder / 'edge')
            self.proxy = Proxy(self.folder, self.kube.address)
            self.monitor = Monitor(self.kube) if monitor else None
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for operator in self.operators:
            operator.kill()
        for part in (self.proxy, self.cluster):
            if part:
                part.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _interrupted(self, *_):
        """Ends at once: the threads of runs would go on until their runs are over."""
        self.__exit__()
        os._exit(130)

    def operator(self, name, *arguments, watch=None, **options):
        """Starts an operator, which watches these namespaces (by default the one of its name; none: all)."""
        namespaces = (name,) if watch is None else watch
        arguments = [*arguments, *(option for each in namespaces for option in ('--watch-namespace', each))]
        operator = Operator(self, name, *arguments, **options)
        self.operators.append(operator)
        return operator

    def lane(self, name):
        return Lane(self.proxy, name)

    def namespace(self, name, **annotations):
        return Namespace(self.kube, name, annotations)

    @functools.cached_property
    def skew(self):
        """A library that moves the wall clock of the process that loads it."""
        library = self.folder / 'skew.so'
        source = REPOSITORY / 'tests/chaos/skew.c'
        subprocess.run(['cc', '-shared', '-fPIC', '-o', library, source, '-ldl'], check=True)
        return library

    def keep_log(self, operator, name=None):
        """Keeps an operator's log for whoever looks into a failure; returns where."""
        folder = RESULTS / 'logs'
        folder.mkdir(parents=True, exist_ok=True)
        return shutil.copy(operator.log, folder / f'{name or operator.name}.log')
