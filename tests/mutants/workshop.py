"""A private copy of the sources, with mutants in it, and the test programs that are built from it."""

import collections
import json
import os
import subprocess
import sys

import switch
from listing import PACKAGE, REPOSITORY

FOLDER = REPOSITORY / 'target/mutants'
SOURCES, TARGET = FOLDER / 'sources', FOLDER / 'target'
ROOT_FILE = 'crates/core/src/lib.rs'
#: Only what is built anew for each mutant profits from incremental builds, and that is all here.
ENVIRONMENT = {**os.environ, 'CARGO_TARGET_DIR': str(TARGET), 'CARGO_INCREMENTAL': '1', 'CARGO_PROFILE_DEV_DEBUG': 'line-tables-only'}


def copy(changed):
    """Makes the copy equal to the sources, except for these files, {name: text}. What is equal already keeps its time, so
    cargo does not build it again."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=REPOSITORY,
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    names = {name for name in listed.split('\0') if name and (REPOSITORY / name).is_file()}
    for name in names:
        path = REPOSITORY / name
        _put(name, changed[name].encode() if name in changed else path.read_bytes(), path.stat().st_mode)
    for path in [path for path in (SOURCES / 'crates').rglob('*') if path.is_file()]:
        if str(path.relative_to(SOURCES)) not in names:
            path.unlink()


def _put(name, data, mode):
    path = SOURCES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != data:
        path.write_bytes(data)
        path.chmod(mode)


def original(file):
    return (REPOSITORY / file).read_text()


def alone(mutant):
    """Builds one mutant alone: the test programs, or None if it does not compile."""
    copy({mutant.file: switch.mutated(original(mutant.file), mutant)})
    return programs() if not errors() else None


def together(mutants, unviable):
    """Builds many mutants at once: the programs, and which number each mutant has. Calls back for those that do not compile."""
    numbers = {mutant: number for number, mutant in enumerate(mutants, 1)}
    while True:
        files, places = collections.defaultdict(list), {}
        changed = {ROOT_FILE: switch.ALLOW + original(ROOT_FILE) + switch.SWITCH}
        for mutant, number in numbers.items():
            files[mutant.file].append((number, mutant))
        for file, numbered in files.items():
            changed[file], places[file] = switch.switched(original(file), numbered)
        copy(changed)
        inside = {number for found in places.values() for *_, number in found}
        numbers = {mutant: number for mutant, number in numbers.items() if number in inside}
        found = errors()
        if not found:
            return programs(), numbers
        wrong = {number for file, line in found for first, last, number in places.get(file, []) if first <= line <= last}
        if not wrong:
            sys.exit(f'The copy in {SOURCES} does not compile, and no mutant is the reason: {sorted(found)}')
        for mutant in [mutant for mutant, number in numbers.items() if number in wrong]:
            unviable(mutant)
        numbers = {mutant: number for mutant, number in numbers.items() if number not in wrong}


def errors():
    """The places, (file, line), of what does not compile in the library."""
    _, messages = _cargo('check', '--lib')
    return {(span['file_name'], line) for message in messages if message['reason'] == 'compiler-message'
            and message['message']['level'] == 'error'
            for span in message['message']['spans'] if span['is_primary']
            for line in (span['line_start'], span['line_end'])}


def programs():
    """The test programs, unit tests first."""
    code, messages = _cargo('test', '--no-run', '--lib', '--test', 'core')
    if code:
        sys.exit(f'the tests in {SOURCES} do not compile')
    built = [message for message in messages if message['reason'] == 'compiler-artifact' and message['profile']['test']
             and message['executable']]
    return [message['executable'] for message in sorted(built, key=lambda message: message['target']['kind'] == ['test'])]


def _cargo(command, *arguments):
    command = ['nice', '-n', '19', 'cargo', command, '--locked', '--package', PACKAGE, '--message-format', 'json',
               '--quiet', *arguments]
    done = subprocess.run(command, cwd=SOURCES, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
    failed = [message for message in messages if message['reason'] == 'compiler-message'
              and message['message']['level'] == 'error']
    if done.returncode and not failed:
        sys.exit(f'{" ".join(command)}\n{done.stderr}')
    return done.returncode, messages
