"""Cases: single situations with an expectation each, their registry, and how they are run."""

import collections
import concurrent.futures
import dataclasses
import re
import time
import traceback
import typing

import cloud
import known
from replicas import Replicas


@dataclasses.dataclass(frozen=True)
class Definition:
    function: typing.Callable
    #: What is run without another argument.
    arguments: tuple
    #: It disturbs what the whole cluster shares, so nothing runs beside it.
    alone: bool

    @property
    def about(self):
        return ' '.join(self.function.__doc__.split())


#: Group → name → definition, in the order in which they are written.
REGISTRY = collections.defaultdict(dict)


def case(group, *arguments, alone=False):
    """Makes a function `name(case, *arguments)` a case of a group; an argument may be `a:b` for two."""
    def register(function):
        REGISTRY[group][function.__name__] = Definition(function, arguments or ('',), alone)
        return function
    return register


class Case:
    """One run of a case: what it uses is ended and removed when it is over, and what it expects is noted."""

    def __init__(self, lab, name, definition):
        self.lab, self.name, self.definition = lab, name, definition
        self.lines, self.failures, self.seconds = [], [], None
        self._operators, self._lanes, self._namespaces, self._replicas = [], [], [], []

    # For the functions

    def namespace(self, suffix='', objects=None, **annotations):
        """A namespace with these objects, or a cloud without resources."""
        name = re.sub('[^a-z0-9]+', '-', f'{self.name} {suffix}'.lower()).strip('-')
        namespace = self.lab.namespace(name, **annotations)
        self._namespaces.append(namespace)
        namespace.create(*(cloud.services() if objects is None else objects))
        return namespace

    def operator(self, *namespaces, name=None, **options):
        """An operator that watches these namespaces."""
        watch = [namespace.name for namespace in namespaces]
        operator = self.lab.operator(name or watch[0], *options.pop('arguments', ()), watch=watch, **options)
        self._operators.append(operator)
        return operator

    def lane(self, name):
        lane = self.lab.lane(name)
        self._lanes.append(lane)
        return lane

    def replicas(self, namespace, **options):
        """Two operators with one Lease, A and B; A leads."""
        replicas = Replicas(self.lab, namespace, 2)
        self._replicas.append(replicas)
        replicas.start(**options)
        return replicas

    def verified_pair(self, suffix='', glance=None, horizon=None, objects=None, **options):
        """A cloud whose pair uploads directly, and its operator."""
        namespace = self.namespace(suffix, objects)
        namespace.add_pair(glance, horizon)
        operator = self.operator(namespace, **options)
        self.require('the pair becomes ready', namespace.await_verified())
        return namespace, operator

    def behind_lane(self, suffix=''):
        """The same, with a lane of the fault proxy before the operator."""
        namespace = self.namespace(suffix)
        namespace.add_pair()
        lane = self.lane(namespace.name)
        operator = self.operator(namespace, server=lane.url)
        self.require('the pair becomes ready', namespace.await_verified())
        return namespace, operator, lane

    def say(self, text):
        """Tells what is seen, without judging it."""
        self.lines.append(f'        {text}')

    def expect(self, claim, holds, seen=None):
        """Judges one thing; `seen` explains it."""
        seen = None if seen is None or seen == '' else str(seen)
        self.lines.append(f'    {"ok " if holds else "NOT"} {claim}' + (f' — {seen}' if seen else ''))
        if not holds:
            self.failures.append(claim)
        return holds

    def require(self, claim, holds):
        """Without this the case says nothing: it fails at once."""
        if not holds:
            raise Unmet(claim)

    # For the runner

    def run(self):
        started = time.monotonic()
        arguments = self.name.split(':')[1:]
        try:
            self.definition.function(self, *arguments)
            self._expect_no_panic()
        except Unmet as unmet:
            self.expect(str(unmet), False)
        except Exception:  # a defect of this case is no other's
            self.expect('the case itself works', False, traceback.format_exc(-3).strip())
        finally:
            for operator in self._all_operators():
                operator.kill()
                if self.failures:
                    self.lab.keep_log(operator)
            for lane in self._lanes:
                lane.end()
            for replicas in self._replicas:
                replicas.end()
            for namespace in self._namespaces:
                namespace.remove()
        self.seconds = time.monotonic() - started
        return self

    def _all_operators(self):
        return self._operators + [operator for replicas in self._replicas for operator in replicas.operators]

    def _expect_no_panic(self):
        panics = [line for operator in self._all_operators() for line in operator.panics()]
        if panics:
            self.expect('the operator does not panic', False, panics[0])


class Unmet(Exception):
    """What a case needs is not there."""


def named(group, names):
    """The cases of a group that are asked for, as NAME or NAME:ARGUMENT; all without a name."""
    found = []
    for name in names or REGISTRY[group]:
        base, _, argument = name.partition(':')
        if base not in REGISTRY[group]:
            raise SystemExit(f'chaos: there is no case {base}; there are {", ".join(REGISTRY[group])}')
        definition = REGISTRY[group][base]
        for given in [argument] if argument else definition.arguments:
            found.append((f'{group}/{base}' + (f':{given}' if given else ''), definition))
    return found


def run(lab, group, names, jobs):
    """Runs cases and prints what they saw; returns how many failed that are not known to."""
    table, counts = known.load(), collections.Counter()
    cases = [Case(lab, name, definition) for name, definition in named(group, names)]
    together = [item for item in cases if not item.definition.alone]
    alone = [item for item in cases if item.definition.alone]
    # One thread for each case: it lives until its operators are ended.
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for item in pool.map(Case.run, together):
            counts[_report(item, table)] += 1
    for item in alone:
        counts[_report(item.run(), table)] += 1
    print(f'{len(cases)} cases of {group}: {counts["passed"]} passed, {counts["known failure"]} known failures, '
          f'{counts["FAILED"]} failed, {counts["PASSED"]} passed although known to fail', flush=True)
    return counts['FAILED']


def _report(item, table):
    reason = known.reason(item.name, table)
    if reason:
        result = 'known failure' if item.failures else 'PASSED'
    else:
        result = 'FAILED' if item.failures else 'passed'
    print(f'== {item.name}: {item.definition.about}')
    print('\n'.join(item.lines))
    explanation = {'known failure': f': {reason}', 'PASSED': f', though known-failures says: {reason}'}.get(result, '')
    print(f'   {result}{explanation} ({item.seconds:.0f} s)', flush=True)
    return result
