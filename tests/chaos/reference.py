"""What undisturbed runs do, recorded in reference.json: the net under every change of the operator's inside."""

import concurrent.futures
import json

import known
from cluster import REPOSITORY
from scenarios import SCENARIOS
from state import differences
from trial import Problem, Trial

FILE = REPOSITORY / 'tests/chaos/reference.json'


def load():
    return json.loads(FILE.read_text())


def observed(trial):
    """What of a run must be the same each time, in the form of the file; its bodies apart."""
    return {
        'rolls': trial.rolls,
        'violations': trial.violations,
        'order': trial.writes.by_resource,
        'workloads': trial.writes.to_workloads,
        'state': trial.state,
    }


def check(lab, scenarios, jobs):
    """Runs scenarios and compares them with the file; returns how many differ."""
    reference, wrong = load(), 0
    for trial in _run(lab, [(name, 0) for name in scenarios], jobs):
        if trial.writes:
            _compare(trial, reference)
        wrong += _report(trial)
    print(f'{len(scenarios)} undisturbed runs, {wrong} differ from reference.json', flush=True)
    return wrong


def _compare(trial, reference):
    expected = reference['scenarios'][trial.name]
    problems = differences({key: expected[key] for key in observed(trial)}, observed(trial))
    problems += _body_differences(reference['bodies'], expected['order'], trial.writes)
    # There may be fewer: a status that would be replaced at once is not always written. On a slow machine one more
    # is written than any recorded run happened to need.
    if trial.writes.count > expected['writes'][1] + 1:
        problems.append(f'{trial.writes.count} writes, recorded {expected["writes"][1]}')
    trial.problems += [Problem('reference', problem) for problem in problems]


def record(lab, scenarios, jobs, runs):
    """Runs each scenario several times, and writes the file if all runs of each are the same."""
    trials, wrong = {}, 0
    for trial in _run(lab, [(name, attempt) for attempt in range(runs) for name in scenarios], jobs):
        same = trials.setdefault(trial.name, [])
        if trial.writes and same:
            trial.problems += [Problem('reference', line)
                               for line in differences(observed(same[0]), observed(trial))]
        failed = _report(trial)
        wrong += failed
        if not failed:
            same.append(trial)
    if wrong:
        print('Nothing is recorded: runs differ, or had problems.')
        return wrong
    _write(trials)
    print(f'Recorded in {FILE.relative_to(REPOSITORY)}, from {runs} runs of each.')
    return 0


def _write(trials):
    """Replaces what the file says of these scenarios."""
    reference = load() if FILE.exists() else {'scenarios': {}, 'bodies': {}}
    recorded, bodies = reference['scenarios'], reference['bodies']
    for name, same in trials.items():
        counts = [trial.writes.count for trial in same]
        recorded[name] = {'writes': [min(counts), max(counts)], **observed(same[0])}
        bodies |= same[0].writes.bodies
    recorded = {name: recorded[name] for name in SCENARIOS if name in recorded}
    used = json.dumps([scenario['order'] for scenario in recorded.values()])
    bodies = {digest: body for digest, body in bodies.items() if digest in used}
    FILE.write_text(json.dumps({'scenarios': recorded, 'bodies': bodies}, indent=1, sort_keys=True) + '\n')


def _run(lab, attempts, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda attempt: Trial(lab, attempt[0], attempt=attempt[1]).run(), attempts)


def _body_differences(bodies, order, writes):
    """What was written otherwise than recorded, where the same object was written at the same place."""
    lines = []
    for resource, expected in order.items():
        for before, now in zip(expected, writes.by_resource.get(resource, [])):
            (old_target, old), (target, new) = before.rsplit(' ', 1), now.rsplit(' ', 1)
            if old_target == target and old != new:
                lines += [f'{target}: {line}' for line in differences(bodies[old], writes.bodies[new])]
    return lines


def _report(trial):
    """Prints a run; returns whether it had problems that are not known."""
    new, old = known.split(trial)
    count = trial.writes.count if trial.writes else '?'
    print(f'{"DIFFERS" if new else "ok":8}{trial.name:14} {trial.seconds} s, {count} writes, rolls {trial.rolls}')
    for line in [*old, *new]:
        print(f'        {line}', flush=True)
    return bool(new)
