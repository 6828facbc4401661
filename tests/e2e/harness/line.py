"""A line that is slow, far or lossy, between a browser and the edge.

A TUN device of our own: what is sent to `THERE` comes back, late or never, as if `THERE` had sent it to `HERE`,
where the edge listens. Both addresses change places in each packet, so that no checksum changes. The kernel's own
netem would do the same where it is built in.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time

from .shell import run

# Of RFC 2544's networks for such measurements; the test node has others of them.
HERE, THERE, PREFIX = '198.19.255.1', '198.19.255.2', 30
DEVICE = 'duo-line'
# linux/if_tun.h
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# What a router on the way keeps, in packets; it drops what comes when that is full.
QUEUE = 200


class Line:
    """Exists for the body of a `with`, as often as needed. `bits` per second, `delay` in seconds each way, `loss` as a share."""

    def __init__(self, bits, delay=0.0, loss=0.0):
        self.bits, self.delay, self.loss = bits, delay, loss

    def __enter__(self):
        self.passed = self.lost = 0
        self._chance = random.Random(1)
        self._end = threading.Event()
        self._device = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._device, TUNSETIFF, struct.pack('16sH22x', DEVICE.encode(), IFF_TUN | IFF_NO_PI))
        run('ip', 'address', 'add', f'{HERE}/{PREFIX}', 'dev', DEVICE)
        run('ip', 'link', 'set', DEVICE, 'up')
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        os.close(self._device)

    def _work(self):
        waiting, number, free = [], 0, {}
        while not self._end.is_set():
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                os.write(self._device, heapq.heappop(waiting)[2])
                self.passed += 1
            pause = min(waiting[0][0] - now, 0.2) if waiting else 0.2
            if not select.select([self._device], [], [], pause)[0]:
                continue
            packet = os.read(self._device, 65536)
            if packet[0] >> 4 != 4:
                continue
            upwards = int.from_bytes(packet[20:22], 'big') > int.from_bytes(packet[22:24], 'big')
            started = max(time.monotonic(), free.get(upwards, 0))
            full = started - time.monotonic() > QUEUE * 1500 * 8 / self.bits
            if full or self._chance.random() < self.loss:
                self.lost += 1
                continue
            free[upwards] = started + len(packet) * 8 / self.bits
            number += 1
            heapq.heappush(waiting, (free[upwards] + self.delay, number, swapped(packet)))


def swapped(packet):
    """The same packet from where it went to, to where it came from."""
    return packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
