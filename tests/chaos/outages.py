"""The API server goes away in the middle of a scenario, for longer than any timeout."""

import concurrent.futures
import dataclasses
import time

import known
import reference
from cluster import Cluster
from trial import Trial

#: How long after the user has acted the outage begins.
DELAY = 1.0
#: What the proxy does to every request, and for how long.
BY_PROXY = {'away': ({'do': 'drop-before'}, 60), '401': ({'do': 'status', 'code': 401}, 20),
            '503': ({'do': 'status', 'code': 503}, 20)}
#: Which of the cluster's programs is stopped, and for how long.
BY_STOP = {'etcd': 15, 'kube-apiserver': 30}
#: What is run without other names.
SCENARIOS = ('first', 'host', 'delete', 'disable')


@dataclasses.dataclass(frozen=True)
class Outage:
    """A disturbance, see Trial."""

    name: str
    seconds: float
    #: Of the proxy; or else the program is stopped.
    fault: dict = None
    cluster: Cluster = None
    ends_with_restart: bool = False

    def __str__(self):
        return self.name

    @property
    def lasts(self):
        return self.seconds + DELAY

    def before(self, replicas):
        """Nothing: it begins when the operator is at work."""

    def after(self, replicas):
        time.sleep(DELAY)
        if self.fault:
            replicas.disturb({'on': 'any', **self.fault})
            replicas.cut()
            time.sleep(self.seconds)
            replicas.disturb()
        else:
            self.cluster.stop(self.name)
            try:
                time.sleep(self.seconds)
            finally:
                self.cluster.resume(self.name)


def run(lab, scenarios, jobs, stop):
    """Returns how many runs were wrong. With `stop` the whole cluster halts, so these run one after the other."""
    recorded = reference.load()['scenarios']
    if stop:
        outages, jobs = [Outage(name, seconds, cluster=lab.cluster) for name, seconds in BY_STOP.items()], 1
    else:
        outages = [Outage(name, seconds, fault) for name, (fault, seconds) in BY_PROXY.items()]
    trials = [Trial(lab, scenario, outage, recorded[scenario]) for scenario in scenarios or SCENARIOS
              for outage in outages]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return sum(map(_report, pool.map(Trial.run, trials)))


def _report(trial):
    new, old = known.split(trial)
    after = trial.seconds and trial.seconds - trial.disturbance.lasts
    print(f'{"WRONG" if new else "ok":8}{trial.name} {trial.disturbance}, {trial.disturbance.seconds} s: '
          + (f'done {max(0, after):.0f} s after it, {trial.writes.count} writes, rolls {trial.rolls}, '
             f'{trial.starts} starts' if trial.writes else 'no result'))
    for line in [*old, *new]:
        print(f'        {line}', flush=True)
    return bool(new)
