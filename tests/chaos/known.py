"""The table of known failures: defects of the operator that are known, and not mended yet."""

import fnmatch

from cluster import REPOSITORY

FILE = REPOSITORY / 'tests/chaos/known-failures'


def load():
    """Name → what is wrong, in a line."""
    table = {}
    for line in FILE.read_text().splitlines():
        if line.strip() and not line.startswith('#'):
            name, about = line.split(None, 1)
            table[name] = about
    return table


def reason(name, table=None):
    """What is known to be wrong with this, or None."""
    return next((about for pattern, about in (table or load()).items() if fnmatch.fnmatchcase(name, pattern)), None)


def split(trial):
    """The problems of a run that are not known, and lines that name the known ones."""
    table, new, known = load(), [], {}
    for problem in trial.problems:
        names = [f'{trial.name}/{problem.kind}', f'{trial.name}/{trial.disturbance}']
        found = {name: about for name in names if (about := reason(name, table))}
        known |= {name: f'known failure {name}: {about}' for name, about in found.items()}
        if not found:
            new.append(problem)
    return new, list(known.values())
