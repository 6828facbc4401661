"""What can go wrong between an operator and the API server; the proxy makes it happen (faultproxy/fault.go)."""

import dataclasses
import itertools
import random


@dataclasses.dataclass(frozen=True)
class Fault:
    about: str
    #: What it happens to: each 'write' in turn; or the first 'event', 'list' or 'watch' of each kind in turn.
    on: str
    #: For the proxy.
    settings: dict
    #: Lists and watches begin with the operator, so it has to start anew to meet the fault.
    restarts: bool = False
    #: Seconds until nothing more comes of it.
    lasts: float = 0


FAULTS = {
    'kill-before': Fault('the operator is killed just before its write arrives', 'write', {'do': 'kill-before'}),
    'kill-after': Fault('… just after it arrived', 'write', {'do': 'kill-after'}),
    'term': Fault('it is told to end while its write is on its way', 'write', {'do': 'term', 'seconds': 0.3}),
    'drop-before': Fault('the connection breaks just before the write arrives', 'write', {'do': 'drop-before'}),
    'drop-after': Fault('… just after it arrived', 'write', {'do': 'drop-after'}),
    '409': Fault('the write is refused as a conflict', 'write', {'do': 'status', 'code': 409}),
    '429': Fault('… as one too many', 'write', {'do': 'status', 'code': 429}),
    '500': Fault('… by an internal error', 'write', {'do': 'status', 'code': 500}),
    'hang': Fault('no answer for 20 s, then the connection breaks', 'write', {'do': 'hang', 'seconds': 20}, lasts=26),
    'event-gone': Fault('a watch ends at its next event with 410 Gone', 'event', {'do': 'gone'}),
    'event-cut': Fault('a watch breaks at each of its next three events', 'event', {'do': 'cut', 'times': 3}),
    'event-delay': Fault('a watch is 10 s late', 'event', {'do': 'delay-stream', 'seconds': 10}),
    'list-reset': Fault('the first two lists after a start break', 'list', {'do': 'drop-before', 'times': 2}, True),
    'watch-gone': Fault('the first watch after a start ends with 410 Gone', 'watch', {'do': 'gone'}, True),
}

#: The kinds that an operator reads: those that change in most scenarios, and the others.
CHANGING = ('horizons', 'glances', 'deployments', 'pods', 'replicasets', 'configmaps')
WATCHED = (*CHANGING, 'ingresses', 'services')


@dataclasses.dataclass(frozen=True)
class Disturbance:
    """One fault, at one place of a scenario."""

    fault: str
    #: Which write of the scenario, from 1; 0 for what does not happen to a write.
    write: int = 0
    #: Whose list or watch; empty for what happens to a write.
    watched: str = ''

    def __str__(self):
        return f'{self.fault}-{self.watched or self.write}'

    @property
    def lasts(self):
        return FAULTS[self.fault].lasts

    @property
    def ends_with_restart(self):
        """Whether it is seen that a restart writes nothing: of all runs some are enough."""
        return self.write % 3 == 1

    @property
    def restarts(self):
        return FAULTS[self.fault].restarts

    @property
    def settings(self):
        """For the proxy."""
        fault = FAULTS[self.fault]
        match = f'/{self.watched}' if self.watched else ''
        return {'on': fault.on, 'at': self.write or 1, 'match': match, **fault.settings}

    def before(self, replicas):
        arm(replicas, [self])

    def after(self, replicas):
        """The fault happens by itself."""


@dataclasses.dataclass(frozen=True)
class Several:
    """More than one fault in the same run."""

    parts: tuple[Disturbance, ...]

    def __str__(self):
        return '+'.join(map(str, self.parts))

    @property
    def lasts(self):
        return sum(part.lasts for part in self.parts)

    @property
    def ends_with_restart(self):
        return any(part.ends_with_restart for part in self.parts)

    def before(self, replicas):
        arm(replicas, self.parts)

    def after(self, replicas):
        """The faults happen by themselves."""


def arm(replicas, disturbances):
    """The proxy counts from the moment when it is told. A standby meets all but the first: that is for the leader."""
    for replica in replicas.all:
        met = disturbances if replica is replicas.a else disturbances[1:]
        replica.lane.disturb(*(each.settings for each in met))
        if any(each.restarts for each in met):
            replica.restart()


def disturbances(names, writes, chosen=None):
    """Every disturbance by these faults of a scenario that writes so often; `chosen` limits the writes."""
    for name in names:
        if FAULTS[name].on == 'write':
            for number in chosen or range(1, writes + 1):
                yield Disturbance(name, number)
        else:
            for watched in WATCHED:
                yield Disturbance(name, watched=watched)


def sample(writes_by_scenario, count):
    """Of all runs some that touch each scenario, each fault, and early and late writes.

    The choice is the same each time: the scenarios in turn, and for each of them the next fault.
    """
    scenarios, names = list(writes_by_scenario), list(FAULTS)
    watched = {'event': itertools.cycle(CHANGING), 'list': itertools.cycle(WATCHED), 'watch': itertools.cycle(WATCHED)}
    for index in range(count):
        scenario, turn = scenarios[index % len(scenarios)], index // len(scenarios)
        fault = names[(index + turn) % len(names)]
        on = FAULTS[fault].on
        if on == 'write':
            # Multiples of the golden ratio spread evenly, however many there are.
            write = 1 + int(turn * 0.618 % 1 * writes_by_scenario[scenario])
            yield scenario, Disturbance(fault, write)
        else:
            yield scenario, Disturbance(fault, watched=next(watched[on]))


def pairs(writes_by_scenario, count, seed):
    """Runs with two faults each, chosen at random, by a seed that gives the same ones each time."""
    chance = random.Random(seed)

    def one(scenario):
        fault = chance.choice(list(FAULTS))
        match FAULTS[fault].on:
            case 'write':
                return Disturbance(fault, chance.randint(1, writes_by_scenario[scenario]))
            case 'event':
                return Disturbance(fault, watched=chance.choice(CHANGING))
            case _:
                return Disturbance(fault, watched=chance.choice(WATCHED))

    for _ in range(count):
        scenario = chance.choice(list(writes_by_scenario))
        yield scenario, Several((one(scenario), one(scenario)))
