"""Pods as they really are: some have failed, and stay."""

import patience
from casebook import case

FAILED_READY = {'type': 'Ready', 'status': 'False', 'reason': 'PodFailed'}


def evict(namespace, app, phase='Failed'):
    """Leaves one running Pod as an eviction does: ended, never deleted, replaced by another one."""
    pod = next(pod for pod in namespace.pods(app) if pod['status'].get('phase') == 'Running')
    name = pod['metadata']['name']
    namespace.merge('Pod', name, {'metadata': {'annotations': {'stand-in/behaviour': 'hold'}}})
    ended = {'name': app, 'image': 'x', 'imageID': '', 'ready': False, 'restartCount': 0,
             'state': {'terminated': {'exitCode': 137, 'reason': 'Error'}}}
    status = {'phase': phase, 'reason': 'Evicted', 'message': 'The node was low on resource: memory.',
              'conditions': [FAILED_READY], 'containerStatuses': [ended]}
    namespace.merge('Pod', name, {'status': status}, 'status')


def evict_both(case, namespace):
    for app in ('glance', 'horizon'):
        evict(namespace, app)
    replaced = patience.until(
        lambda: all(len(namespace.pods(app)) == 3 and len(namespace.ready_pods(app)) == 2
                    for app in ('glance', 'horizon')), 60)
    case.require('the evicted pods are replaced', replaced)


def expect_farewell(case, namespace, seconds=30):
    namespace.delete_pair()
    gone = patience.until(namespace.pair_gone, seconds)
    case.expect(f'both resources are gone within {seconds} s of their deletion', gone,
                None if gone else f'Glance {namespace.condition("Glance")}; Horizon {namespace.condition("Horizon")}')


@case('cases', 'Failed', 'Succeeded')
def dead(case, phase):
    """A pod of each workload was evicted before the pair is created, and stays."""
    namespace = case.namespace()
    case.require('the pods become ready', namespace.await_pods())
    for app in ('glance', 'horizon'):
        evict(namespace, app, phase)
    case.require('the evicted pods are replaced', namespace.await_pods())
    case.operator(namespace)
    namespace.add_pair()
    ready = patience.until(lambda: namespace.is_ready('Horizon'), 45)
    case.expect('the Horizon becomes ready within 45 s', ready,
                f'Glance {namespace.condition("Glance")}; Horizon {namespace.condition("Horizon")}')
    expect_farewell(case, namespace)


@case('cases')
def dead_direct(case):
    """A pod of each workload is evicted while the pair is direct; then the host changes, then both are deleted."""
    namespace, _ = case.verified_pair()
    evict_both(case, namespace)
    namespace.set_host('horizon', 'new.example.com')
    accepted = patience.until(lambda: 'https://new.example.com' in namespace.accepted_origins(), 20)
    case.expect('Glance accepts the new host within 20 s', accepted, namespace.accepted_origins())
    ready = patience.until(namespace.verified, 20)
    case.expect('the pair is ready again within 20 s more', ready,
                f'Glance {namespace.condition("Glance")}; Horizon {namespace.condition("Horizon")}')
    expect_farewell(case, namespace)
