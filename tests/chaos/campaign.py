"""Many disturbed runs: which there are, which were made already, and what came of them."""

import collections
import concurrent.futures
import hashlib
import json
import time

import faults
import known
import reference
from lab import RESULTS
from trial import Trial

#: A line of JSON for each run.
FILE, SHORT_FILE = RESULTS / 'faults.jsonl', RESULTS / 'short.jsonl'
#: Runs of `short`.
SHORT = 60


def chosen(scenarios, names, writes):
    """Scenario and disturbance of each run; `writes` limits the numbers of the writes."""
    recorded = reference.load()['scenarios']
    return [(scenario, disturbance) for name in names for scenario in scenarios
            for disturbance in faults.disturbances([name], recorded[scenario]['writes'][1], writes)]


def sample():
    """The runs of `short`."""
    return list(faults.sample(_writes(), SHORT))


def pairs(count, seed):
    """Runs with two faults each."""
    return list(faults.pairs(_writes(), count, seed))


def _writes():
    return {name: item['writes'][1] for name, item in reference.load()['scenarios'].items()}


def run(lab, runs, jobs, file, resume=False, replicas=1):
    """Makes runs, appends what came of each to a file, and prints what was wrong; returns how many were."""
    binary = hashlib.sha256(lab.binary.read_bytes()).hexdigest()[:12]
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    made = {(row['scenario'], row['disturbance']) for row in rows
            if (row['operator'], row.get('replicas', 1)) == (binary, replicas)}
    todo = [item for item in runs if not resume or (item[0], str(item[1])) not in made]
    if len(todo) < len(runs):
        print(f'{len(runs) - len(todo)} of {len(runs)} runs were made already')
    started, recorded, counts = time.monotonic(), reference.load()['scenarios'], collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, open(file, 'a') as out:
        trials = [pool.submit(Trial(lab, scenario, disturbance, recorded[scenario], replicas=replicas).run)
                  for scenario, disturbance in todo]
        for done in concurrent.futures.as_completed(trials):
            trial = done.result()
            counts.update(_report(trial))
            print(json.dumps({'operator': binary, **_row(trial)}), file=out, flush=True)
            if counts['runs'] % 20 == 0:
                print(f'{counts["runs"]} of {len(todo)} runs, {counts["wrong"]} wrong, '
                      f'{time.monotonic() - started:.0f} s', flush=True)
    print(f'{counts["runs"]} disturbed runs in {time.monotonic() - started:.0f} s: {counts["wrong"]} wrong, '
          f'{counts["known"]} with known failures only, {counts["missed"]} in which the fault did not happen'
          + (f', {counts["new leader"]} times another one led' if replicas > 1 else ''))
    print('problems: ' + (', '.join(f'{kind[8:]} in {count}' for kind, count in counts.items()
                                    if kind.startswith('problem ')) or 'none'), flush=True)
    return counts['wrong']


def _row(trial):
    return {
        'scenario': trial.name, 'disturbance': str(trial.disturbance), 'replicas': trial.count,
        'fired': trial.fired, 'starts': trial.starts, 'terms': trial.terms, 'seconds': trial.seconds,
        'rolls': trial.rolls, 'writes': trial.writes and trial.writes.count,
        'problems': [list(problem) for problem in trial.problems],
    }


def _report(trial):
    """Prints a run that was wrong; returns what to count."""
    new, old = known.split(trial)
    if new:
        print(f'WRONG   {trial.name} {trial.disturbance}: {trial.seconds} s, fault happened {trial.fired} times')
        for problem in new:
            print(f'        {problem}', flush=True)
    return ['runs', *(['wrong'] if new else ['known'] if old else []), *([] if trial.fired else ['missed']),
            *{f'problem {problem.kind}' for problem in trial.problems}, *['new leader'] * len((trial.terms or '')[1:])]
