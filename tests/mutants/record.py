"""What became of each mutant, a line of JSON each, and why some count as no mutants at all."""

import datetime
import json

from listing import REPOSITORY

FILE = REPOSITORY / 'tests/mutants/results.jsonl'
#: The same program by another text: ID-OF-MUTANT, a tab, and why nothing can tell it from the original.
EQUIVALENT = REPOSITORY / 'tests/mutants/equivalent'
VIABLE = ['caught', 'timeout', 'missed']


def load():
    """Id → what became of it last. A mutant that nothing can tell from the original is equivalent."""
    rows = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
    found = {row['mutant']: row for row in rows}
    for name, why in equivalent().items():
        if found.get(name, {}).get('outcome') == 'missed':
            found[name] = {**found[name], 'outcome': 'equivalent', 'by': why}
    return found


def equivalent():
    """Id → why."""
    lines = EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []
    return dict(line.split('\t', 1) for line in lines if line.strip() and not line.startswith('#'))


def add(mutant, outcome, by=''):
    row = {'mutant': mutant.id, 'outcome': outcome, 'by': by, 'date': datetime.date.today().isoformat()}
    with open(FILE, 'a') as file:
        print(json.dumps(row), file=file, flush=True)
    print(f'{outcome:9} {mutant.id}' + (f'   {by}' if by else ''), flush=True)


def first(order, count):
    """The sample so far: the mutants of the order that have a result, up to so many viable ones."""
    results, sample, viable = load(), [], 0
    for mutant in order:
        if viable == count or mutant.id not in results:
            break
        row = results[mutant.id]
        sample.append(row)
        viable += row['outcome'] in VIABLE
    return sample, viable
