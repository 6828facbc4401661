"""What the resources say of themselves."""

import json
import time

import cloud
import patience
from casebook import case


@case('cases')
def obstacle(case):
    """A rehearsal of Glance failed; then its spec was mended, and the roll is under way."""
    namespace = case.namespace(**{'stand-in/jobs': 'fail', 'stand-in/message': 'rehearsal: the option foo is unknown'})
    case.operator(namespace)
    namespace.add_pair(glance=cloud.glance(rehearsal='Required'))
    failed = patience.until(lambda: (namespace.condition('Glance').reason or '').startswith('Rehearsal'), 40)
    case.require('the rehearsal fails', failed)
    case.say(f'Glance {namespace.condition("Glance")}; Horizon {namespace.condition("Horizon")}')
    namespace.annotate(**{'stand-in/jobs': 'succeed', 'stand-in/message': 'ok', 'stand-in/behaviour': 'hold'})
    namespace.merge('Glance', 'glance', {'spec': {'cors': {'maxAge': 1800}, 'rollout': {'rehearsal': 'Off'}}})
    time.sleep(8)
    for kind in ('Glance', 'Horizon'):
        condition = namespace.condition(kind)
        case.expect(f'the {kind} no longer speaks of the old rehearsal',
                    'ehears' not in f'{condition.reason} {condition.message}', condition)


@case('cases')
def contended(case):
    """The user switches direct upload off and on five times, while new pods stay Pending."""
    namespace, _ = case.verified_pair()
    namespace.pods_shall('hold')
    reasons = []
    for _ in range(5):
        for enabled in (False, True):
            namespace.enable(enabled)
            patience.until(lambda: namespace.is_direct() == enabled, 8)
            time.sleep(1)
        reasons.append(namespace.condition('Horizon').reason)
    namespace.pods_shall('run')
    case.expect('that is no war with another manager', 'Contended' not in reasons, reasons)
    back = patience.until(namespace.verified, 30)
    case.expect('the pair is direct again at the end', back,
                f'{namespace.condition("Horizon")}; template direct: {namespace.is_direct()}')


@case('cases')
def host_status(case):
    """Horizon's host name changes."""
    namespace, operator = case.verified_pair()
    namespace.set_host('horizon', 'new.example.com')
    new = ['https://new.example.com']
    followed = patience.until(lambda: namespace.verified() and _origins(namespace) == new, 45)
    case.expect("the Horizon's status has the new origin, verified, within 45 s", followed,
                f'{_origins(namespace)}, {namespace.condition("Horizon")}')
    case.require('the old origin retires', patience.until(
        lambda: namespace.reported_origins() == {'https://new.example.com'}, 20))
    time.sleep(2)
    before = _statuses(namespace)
    operator.restart()
    time.sleep(6)
    case.expect('a restart changes nothing in the statuses', _statuses(namespace) == before)


def _origins(namespace):
    return (namespace.get('Horizon', 'horizon').get('status') or {}).get('origins')


def _statuses(namespace):
    return json.dumps([namespace.get(kind, kind.lower())['status'] for kind in ('Glance', 'Horizon')])
