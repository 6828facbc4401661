"""A deleted resource that stays in the operator's memory: the answer to the write that takes its finalizer away is
taken in after the watch has told of the deletion."""

import time

import cloud
import patience
from casebook import case


@case('ghost')
def glance(case, rounds=8):
    """A Glance is deleted and created again, many times; at last another one gets its workload."""
    namespace, operator = case.verified_pair()
    for round_ in range(int(rounds)):
        namespace.delete('Glance', 'glance')
        case.require('the Glance goes', patience.until(lambda: namespace.gone('Glance'), 60))
        time.sleep(4)
        message = namespace.condition('Horizon').message
        case.expect(f'round {round_ + 1}: 4 s after the Glance is gone the Horizon says so',
                    'is being deleted' not in message, message)
        if 'is being deleted' in message:
            break  # what remains in memory is seen best before a new one of that name comes
        namespace.create(cloud.glance())
        case.require('the pair becomes ready again', namespace.await_verified())
    else:
        namespace.delete('Glance', 'glance')
        case.require('the Glance goes', patience.until(lambda: namespace.gone('Glance'), 60))
    namespace.create(cloud.glance('other', workloadRef={'name': 'glance'}))
    ready = patience.until(lambda: namespace.is_ready('Glance', 'other') and namespace.is_ready('Horizon'), 20)
    case.expect('another Glance for the same workload is used within 20 s', ready,
                f'Glance other {namespace.condition("Glance", "other")}; Horizon {namespace.condition("Horizon")}')
    operator.restart()
    ready = patience.until(lambda: namespace.is_ready('Glance', 'other') and namespace.is_ready('Horizon'), 30)
    case.expect('… at the latest after a restart', ready, namespace.condition('Glance', 'other'))


@case('ghost')
def horizon(case, rounds=3):
    """A dashboard gets a resource of another name, there and back."""
    namespace, operator = case.verified_pair()
    old, new = 'horizon', 'dashboard'
    for _ in range(int(rounds)):
        namespace.delete('Horizon', old)
        case.require(f'the Horizon {old} goes', patience.until(lambda: namespace.gone('Horizon', old), 60))
        namespace.create(cloud.horizon(new, workloadRef={'name': 'horizon'}))
        ready = patience.until(lambda: namespace.is_ready('Horizon', new), 20)
        case.expect(f'{new}, for the same workload as {old}, is ready within 20 s', ready,
                    namespace.condition('Horizon', new))
        metrics = [line for line in operator.http('/metrics')[1].splitlines()
                   if f'name="{old}"' in line and f'namespace="{namespace.name}"' in line]
        case.expect(f'no metric is about {old} any more', not metrics, metrics[:2])
        old, new = new, old
