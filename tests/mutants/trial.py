"""Runs the tests on one mutant, quick tests first, and stops at the first failure."""

import collections
import itertools
import json
import os
import selectors
import shutil
import signal
import subprocess
import time

import switch
from workshop import FOLDER, SOURCES

#: Tests that take longer than this, in seconds, run when the quick ones of all mutants are through.
SLOW = 1
#: What is known about the original.
KNOWN = FOLDER / 'original.json'
#: Tests run in rounds, quick ones first: the bounds of their times, in seconds.
ROUNDS = [0, 0.1, SLOW, float('inf')]
#: Tests may take so many times as long as on the original, and half a minute.
PATIENCE = 4
CRATE = SOURCES / 'crates/core'
#: Where tests put their files. Those that are stopped leave some.
TEMPORARY = FOLDER / 'tmp'
ENVIRONMENT = {
    **os.environ,
    'CARGO_MANIFEST_DIR': str(CRATE),
    'TMPDIR': str(TEMPORARY),
    # A mutant must not leave anything for the next one.
    'PROPTEST_DISABLE_FAILURE_PERSISTENCE': '1', 'PROPTEST_MAX_SHRINK_ITERS': '0', 'INSTA_UPDATE': 'no',
    'PROPTEST_RNG_SEED': os.environ.get('PROPTEST_RNG_SEED', '1'),
    # Times of single tests.
    'RUSTC_BOOTSTRAP': '1',
}


class Tests:
    """The test programs, how long each of their tests takes on the original, and which mutants it reaches."""

    def __init__(self, programs):
        self.programs, self.tests = programs, []
        self.reached = collections.defaultdict(set)
        built = [[program, os.stat(program).st_mtime_ns] for program in programs]
        known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
        if known.get('built') != built:
            known = {'built': built, 'programs': [self._original(program) for program in programs]}
            KNOWN.write_text(json.dumps(known))
        for program, (times, reached) in zip(programs, known['programs'], strict=True):
            self.tests += [(program, name, time) for name, time in times]
            for number, name in reached:
                # A thread that a test has started does not say whose it is.
                self.reached[number] |= {name} if name in dict(times) else set(dict(times))

    @staticmethod
    def _original(program):
        """[test, seconds], and [mutant, test that reaches its function]."""
        found = FOLDER / 'reached'
        found.unlink(missing_ok=True)
        events, _ = _run(program, [], {switch.REACHED: str(found)}, None)
        failed = [event['name'] for event in events if event['event'] == 'failed']
        times = [(event['name'], event.get('exec_time', 0)) for event in events if event['event'] == 'ok']
        if failed or not times:
            raise SystemExit(f'without a mutant, these tests fail: {failed or program}')
        lines = found.read_text().splitlines() if found.exists() else []
        return times, sorted({(int(number), name) for number, name in (line.split(' ', 1) for line in lines)})

    def __str__(self):
        return f'{len(self.tests)} tests take {sum(time for *_, time in self.tests):.0f} s'

    def judge(self, number, slow):
        """What becomes of a mutant of many, by quick or by slow tests: (caught, missed or timeout; the test that failed)."""
        reached = [test for test in self.tests if test[1] in self.reached[number]]
        if not reached:
            return 'missed', 'no test reaches it'
        tests = [test for test in reached if (test[2] >= SLOW) == slow]
        return self._judge(tests, {switch.VARIABLE: str(number)})

    def judge_alone(self, programs):
        """The same for a mutant in programs of its own."""
        own = dict(zip(self.programs, programs, strict=True))
        return self._judge([(own[program], name, time) for program, name, time in self.tests], {})

    def _judge(self, tests, environment):
        for least, most in itertools.pairwise(ROUNDS):
            for program in dict.fromkeys(program for program, *_ in tests):
                times = {name: time for of, name, time in tests if of == program and least <= time < most}
                if not times:
                    continue
                limit = PATIENCE * sum(times.values()) + 30
                events, ended = _run(program, ['--exact', *times], environment, limit)
                failed = [event['name'] for event in events if event['event'] == 'failed']
                if failed:
                    return 'caught', failed[0]
                if ended is None:
                    return 'timeout', ''
                if ended:
                    return 'caught', 'the test program ended early'
        return 'missed', ''


def _run(program, arguments, variables, limit):
    """The tests' events, and the exit code; None if it took too long. With a limit, until the first failure."""
    command = ['nice', '-n', '19', program, *arguments, '-Z', 'unstable-options', '--format', 'json', '--report-time']
    shutil.rmtree(TEMPORARY, ignore_errors=True)
    TEMPORARY.mkdir(parents=True)
    began, events, rest = time.monotonic(), [], b''
    # A session of its own, so that the programs that a stopped test has started end, too.
    process = subprocess.Popen(command, cwd=CRATE, env={**ENVIRONMENT, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                left = None if limit is None else began + limit - time.monotonic()
                if left is not None and left <= 0 or not selector.select(left):
                    return events, None
                data = os.read(process.stdout.fileno(), 1 << 16)
                *lines, rest = (rest + data).split(b'\n')
                events += [event for event in map(_event, lines) if event]
                if limit is not None and any(event['event'] == 'failed' for event in events):
                    return events, 1
                if not data:
                    return events, process.wait()
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.stdout.close()
        process.wait()


def _event(line):
    """An event of a test, or None."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get('type') == 'test' else None
