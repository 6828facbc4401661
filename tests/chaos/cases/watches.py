"""What the operator does not see, or sees late."""

import time

import patience
from casebook import case
from cluster import SYSTEM
from kube import path
from proxy import await_silence


def _accepts_new_host(namespace):
    return 'https://new.example.com' in namespace.reported_origins()


@case('cases', '403', '500')
def watch_refused(case, code):
    """For 6 s each new watch, not each list, is refused; a watch that ends in that time cannot start anew."""
    namespace, operator, lane = case.behind_lane()
    lane.disturb({'on': 'watch', 'at': 1, 'times': 10000, 'do': 'status', 'code': int(code)})
    lane.cut()
    time.sleep(6)
    lane.disturb()
    started = time.time()
    namespace.set_host('horizon', 'new.example.com')
    accepted = patience.until(lambda: _accepts_new_host(namespace), 90)
    case.expect('a new host is accepted within 90 s after watches are allowed again', accepted,
                f'{time.time() - started:.0f} s; readyz {operator.http("/readyz")}')


@case('cases', alone=True)
def rbac_gap(case):
    """The operator's ClusterRoleBinding is away for 8 s, and its watches are cut once meanwhile."""
    namespace, operator, lane = case.behind_lane()
    binding = next(item for item in case.lab.kube.items(path('ClusterRoleBinding'))
                   if any(subject.get('namespace') == SYSTEM for subject in item.get('subjects', [])))
    case.lab.kube.delete(path('ClusterRoleBinding', name=binding['metadata']['name']))
    time.sleep(1)
    lane.cut()
    time.sleep(7)
    for field in ('resourceVersion', 'uid', 'creationTimestamp', 'managedFields'):
        binding['metadata'].pop(field, None)
    case.lab.kube.create(path('ClusterRoleBinding'), binding)
    started = time.time()
    namespace.set_host('horizon', 'new.example.com')
    accepted = patience.until(lambda: _accepts_new_host(namespace), 90)
    case.expect('a new host is accepted within 90 s after the binding is back', accepted,
                f'{time.time() - started:.0f} s; Glance {namespace.condition("Glance")}')
    case.expect('the operator is ready', patience.until(operator.ready, 10), operator.http('/readyz'))


@case('cases', 'deployments', 'deployments:both', 'pods', 'configmaps', 'configmaps:both')
def delete_at_start(case, late, which='glance'):
    """Glance, or both, is deleted while the operator is down; when it starts, the list of one kind takes 6 s."""
    namespace, operator, lane = case.behind_lane()
    operator.kill()
    namespace.delete('Glance', 'glance')
    if which == 'both':
        namespace.delete('Horizon', 'horizon')
    lane.disturb({'on': 'list', 'at': 1, 'match': f'/{late}', 'do': 'delay', 'seconds': 6})
    started = time.time()
    operator.start()
    patience.until(lambda: namespace.gone('Glance') and not namespace.direct_pods(), 40)
    await_silence([lane], 3)
    for entry in lane.log():
        if entry['time'] > started and entry['number']:
            case.say(f'{entry["time"] - started:5.1f} s {entry["method"]} {entry["path"].split("/namespaces/")[1]}')
    violations, _ = case.lab.monitor.check(namespace.name)
    case.expect('Glance accepts the origin as long as Horizon is direct', not violations, violations[:1])
    case.expect("Glance's template is given back before its resource goes", not namespace.is_direct('glance'),
                f'Glance {namespace.condition("Glance")}')
