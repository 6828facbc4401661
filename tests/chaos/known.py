"""The table of known failures: defects of the operator that are known, and not mended yet."""

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


def split(trial):
    """The problems of a run that are not known, and lines that name the known ones."""
    table, new, known = load(), [], {}
    for problem in trial.problems:
        names = [name for name in (f'{trial.name}/{problem.kind}', f'{trial.name}/{trial.disturbance}') if name in table]
        known |= {name: f'known failure {name}: {table[name]}' for name in names}
        if not names:
            new.append(problem)
    return new, list(known.values())
