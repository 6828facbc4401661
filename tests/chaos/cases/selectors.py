"""Workloads that select their Pods by matchExpressions."""

import time

import cloud
import patience
from casebook import case
from cases.pods import expect_farewell


def selected(variant):
    """A cloud whose Deployments select like this."""
    objects = cloud.services()
    for object_ in objects:
        if object_['kind'] != 'Deployment':
            continue
        app = object_['metadata']['name']
        expressions = {'matchExpressions': [{'key': 'app', 'operator': 'In', 'values': [app]}]}
        if variant == 'alone':
            object_['spec']['selector'] = expressions
        elif variant == 'both':  # both share a label; only the expression tells them apart
            object_['spec']['selector'] = {'matchLabels': {'stack': 'openstack'}, **expressions}
            object_['spec']['template']['metadata']['labels']['stack'] = 'openstack'
    return objects


@case('cases', 'alone', 'both')
def selector(case, variant):
    """Deployments select by matchExpressions, alone or beside matchLabels, while Glance's new pods stay Pending."""
    namespace = case.namespace(objects=selected(variant))
    case.require('the pods become ready', namespace.await_pods())
    namespace.pods_shall('hold')
    case.operator(namespace)
    namespace.add_pair()
    time.sleep(15)
    rolled = namespace.condition('Glance', type_='RolledOut')
    case.expect('Glance is not rolled out while old pods serve', rolled.status != 'True', rolled)
    case.expect('Horizon is not switched while Glance rolls', not namespace.is_direct())
    namespace.pods_shall('run')
    ready = patience.until(lambda: namespace.is_ready('Horizon'), 40)
    case.expect('the Horizon becomes ready when the pods run', ready, namespace.condition('Horizon'))
    expect_farewell(case, namespace)


@case('cases', 'matchLabels', 'alone')
def selector_order(case, variant):
    """Both resources are deleted while Horizon's direct pods cannot go, as new ones stay Pending."""
    namespace, _ = case.verified_pair(objects=selected(variant))
    namespace.pods_shall('hold')
    namespace.delete_pair()
    time.sleep(12)
    direct = namespace.direct_pods()
    case.require('direct pods are still there', direct)
    case.expect('Glance accepts the origin as long as direct pods serve',
                'https://horizon.example.com' in namespace.accepted_origins(),
                f'direct pods {len(direct)}, Glance accepts {sorted(namespace.accepted_origins())}')
    case.expect('the Glance resource waits', not namespace.gone('Glance'), namespace.condition('Glance'))
