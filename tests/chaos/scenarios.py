"""What a user does with a pair, and when it is done: the course of each undisturbed and each disturbed run."""

import dataclasses
import typing

import cloud
from namespace import Namespace


@dataclasses.dataclass(frozen=True)
class Scenario:
    about: str
    #: What the user does.
    act: typing.Callable[[Namespace], None]
    #: Whether the operator has done all that follows from it.
    done: typing.Callable[[Namespace], bool]
    #: What there is before, and whether the operator is done with that.
    prepare: typing.Callable[[Namespace], None] = lambda namespace: None
    prepared: typing.Callable[[Namespace], bool] = lambda namespace: True
    workloads: tuple = ('glance', 'horizon')
    #: Workloads that must be as their owner wrote them at the end.
    given_back: tuple = ()
    #: Origins that leave Glance, `cors.retireAfter` after the act, while their Horizon stays direct.
    retiring: tuple = ()
    #: Paths in the end state that are not compared, as a known failure makes them differ.
    unsettled: tuple = ()


PAIR = {'prepare': lambda namespace: namespace.add_pair(), 'prepared': lambda namespace: namespace.verified()}


def _origins(*hosts):
    return {f'https://{host}.example.com' for host in hosts}


def _add_rehearsed_pair(namespace):
    namespace.add_pair(cloud.glance(rehearsal='Required'), cloud.horizon(rehearsal='Required'))


def _add_disabled_pair(namespace):
    namespace.add_pair(horizon=cloud.horizon(directUpload={'enabled': False}))


def _add_pair_and_second(namespace):
    namespace.add_pair()
    namespace.create(cloud.horizon('horizon2'))


def _is_disabled(namespace, *glance_reasons):
    return namespace.is_ready('Horizon', None, 'DirectDisabled') and namespace.is_ready('Glance', None, *glance_reasons)


SCENARIOS = {
    'first': Scenario(
        'a pair is created',
        act=lambda namespace: namespace.add_pair(),
        done=lambda namespace: namespace.verified(),
    ),
    'rehearsed': Scenario(
        'a pair is created, and each configuration is tried in a Job before it rolls',
        act=_add_rehearsed_pair,
        done=lambda namespace: namespace.verified(),
    ),
    'host': Scenario(
        "Horizon's host name changes",
        **PAIR,
        act=lambda namespace: namespace.set_host('horizon', 'new.example.com'),
        done=lambda namespace: namespace.verified() and namespace.reported_origins() == _origins('new'),
        retiring=('https://horizon.example.com',),
    ),
    'disable': Scenario(
        'direct upload is switched off',
        **PAIR,
        act=lambda namespace: namespace.enable(False),
        done=lambda namespace: _is_disabled(namespace, 'NoOrigins'),
        given_back=('glance', 'horizon'),
    ),
    'enable': Scenario(
        'direct upload is switched on',
        prepare=_add_disabled_pair,
        prepared=_is_disabled,
        act=lambda namespace: namespace.enable(),
        done=lambda namespace: namespace.verified(),
    ),
    'delete': Scenario(
        'both resources are deleted',
        **PAIR,
        act=lambda namespace: namespace.delete_pair(),
        done=lambda namespace: namespace.pair_gone(),
        given_back=('glance', 'horizon'),
    ),
    'delete-glance': Scenario(
        'the Glance is deleted, the Horizon stays',
        **PAIR,
        act=lambda namespace: namespace.delete('Glance', 'glance'),
        done=lambda namespace: (namespace.gone('Glance')
                                and namespace.condition('Horizon').reason == 'GlanceNotFound'),
        given_back=('glance', 'horizon'),
        unsettled=(('Horizon horizon', 'status', 'glance'), ('Horizon horizon', 'status', 'glanceEndpoint')),
    ),
    'join': Scenario(
        'a second Horizon is created',
        workloads=('glance', 'horizon', 'horizon2'),
        **PAIR,
        act=lambda namespace: namespace.create(cloud.horizon('horizon2')),
        done=lambda namespace: (namespace.verified('horizon', 'horizon2')
                                and namespace.reported_origins() == _origins('horizon', 'horizon2')),
    ),
    'leave': Scenario(
        'the second Horizon is deleted',
        workloads=('glance', 'horizon', 'horizon2'),
        prepare=_add_pair_and_second,
        prepared=lambda namespace: namespace.verified('horizon', 'horizon2'),
        act=lambda namespace: namespace.delete('Horizon', 'horizon2'),
        done=lambda namespace: (namespace.gone('Horizon', 'horizon2') and namespace.verified()
                                and namespace.reported_origins() == _origins('horizon')),
        given_back=('horizon2',),
    ),
}
