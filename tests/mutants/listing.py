"""Which mutants there are, as cargo-mutants lists them, and in which order a sample takes them."""

import collections
import dataclasses
import hashlib
import json
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = 'direct-upload-core'
FOLDERS = ['plan', 'derive', 'workload', 'judge']


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change of one place."""

    #: The same as long as nobody changes its function: file, change, and its number among equal ones there.
    id: str
    file: str
    line: int
    #: Lines and columns from 1: ((line, column), (line, column)), the second one exclusive.
    span: tuple
    replacement: str
    #: The span of the innermost function around it, or None.
    function: tuple | None
    #: What the function returns, as text.
    returns: str


def mutants():
    """Every mutant of the folders, by its id."""
    found, seen = {}, collections.Counter()
    for entry in _listed():
        text = re.sub(r'^(\S+?):\d+:\d+: ', r'\1: ', entry['name'])
        seen[text] += 1
        name = text if seen[text] == 1 else f'{text} #{seen[text]}'
        function = entry['function'] or {}
        found[name] = Mutant(
            name, entry['file'], entry['span']['start']['line'], _span(entry['span']), entry['replacement'],
            function.get('span') and _span(function['span']), function.get('return_type', ''))
    return found


def drawn(seed, found):
    """The mutants in the order of a seed. A change of the sources moves only the mutants that it makes or removes."""
    return sorted(found.values(), key=lambda mutant: hashlib.sha256(f'{seed} {mutant.id}'.encode()).digest())


def _listed():
    files = [argument for folder in FOLDERS for argument in ('--file', f'crates/core/src/{folder}/**')]
    command = ['cargo', 'mutants', '--list', '--json', '--package', PACKAGE, *files]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError:
        sys.exit('cargo is missing')
    if done.returncode:
        sys.exit('cargo mutants failed. Is it installed? cargo install cargo-mutants --locked')
    return json.loads(done.stdout)


def _span(span):
    return tuple((span[end]['line'], span[end]['column']) for end in ('start', 'end'))
