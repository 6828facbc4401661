"""What pods use: CPU time, memory and temporary files, as the kernel accounts for them."""

import dataclasses
import os
import pathlib
import threading

ROOT = pathlib.Path('/sys/fs/cgroup')


@dataclasses.dataclass
class Used:
    cpu_seconds: float
    memory_bytes: int
    disk_bytes: int


class Meter:
    """What the pods of a cloud's workload use during the body of a `with`; `used` says it after."""

    def __init__(self, cloud, selector):
        self.pods = [pod['metadata']['uid'] for pod in cloud.get('pods', '-l', selector)['items']]
        self.unified = (ROOT / 'cgroup.controllers').exists()
        self._done = threading.Event()

    def __enter__(self):
        self.cpu = self._sum('cpuacct', 'cpuacct.usage')
        self.memory = self._memory()
        self.disk = self._disk()
        self.top_memory, self.top_disk = self.memory, self.disk
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
        self.used = Used((self._sum('cpuacct', 'cpuacct.usage') - self.cpu) / 1e9,
                         self.top_memory - self.memory, self.top_disk - self.disk)

    def _sample(self):
        while not self._done.wait(0.1):
            self.top_memory = max(self.top_memory, self._memory())
            self.top_disk = max(self.top_disk, self._disk())

    def _folders(self, controller):
        top = ROOT if self.unified else ROOT / controller
        for pod in self.pods:
            yield from top.glob(f'**/pod{pod}')

    def _sum(self, controller, file):
        if self.unified:
            return sum(int(dict(line.split() for line in (f / 'cpu.stat').read_text().splitlines())['usage_usec']) * 1000
                       for f in self._folders(controller))
        return sum(int((f / file).read_text()) for f in self._folders(controller))

    def _memory(self):
        """Without the page cache, which the kernel takes back whenever it likes."""
        total = 0
        for folder in self._folders('memory'):
            stat = dict(line.split() for line in (folder / 'memory.stat').read_text().splitlines())
            total += int(stat['anon'] if self.unified else stat['total_rss'])
        return total

    def _disk(self):
        """What lies in the containers' /tmp: one process of each container shows it."""
        total, seen = 0, set()
        for pid in self._processes():
            folder = pathlib.Path('/proc', pid, 'root/tmp')
            try:
                place = os.stat(folder)
                if (place.st_dev, place.st_ino) in seen:
                    continue
                seen.add((place.st_dev, place.st_ino))
                total += sum(file.stat().st_blocks * 512 for file in folder.rglob('*') if file.is_file())
            except OSError:
                continue  # gone meanwhile
        return total

    def _processes(self):
        for folder in self._folders('cpuacct'):
            for file in folder.glob('**/cgroup.procs'):
                yield from file.read_text().split()
