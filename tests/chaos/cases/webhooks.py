"""An admission webhook fails, so that the API server answers writes with 500."""

import time

import cloud
import patience
from casebook import case
from kube import path

RULES = {'configmaps': ('', 'configmaps'), 'deployments': ('apps', 'deployments'),
         'status': ('horizon.openstack.org', '*/status')}


class Webhook:
    """A webhook that nobody answers at, for one resource in one namespace."""

    def __init__(self, namespace, what):
        group, resource = RULES[what]
        self.kube, self.name = namespace.kube, f'{namespace.name}-{what}'
        webhook = {
            'name': f'{self.name}.example.com', 'failurePolicy': 'Fail', 'sideEffects': 'None',
            'admissionReviewVersions': ['v1'], 'timeoutSeconds': 2,
            'clientConfig': {'url': 'https://127.0.0.1:1/none'},
            'namespaceSelector': {'matchLabels': {'kubernetes.io/metadata.name': namespace.name}},
            'rules': [{'apiGroups': [group], 'apiVersions': ['*'], 'resources': [resource],
                       'operations': ['CREATE', 'UPDATE', 'DELETE']}],
        }
        self.kube.create(path('ValidatingWebhookConfiguration'),
                         {'metadata': {'name': self.name}, 'webhooks': [webhook]})
        time.sleep(1.5)  # until the API server has taken it in

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kube.delete(path('ValidatingWebhookConfiguration', name=self.name))


def tells(namespace):
    """Whether a condition or an event of the pair names the webhook."""
    texts = [namespace.condition(kind, type_=type_).message or '' for kind in ('Glance', 'Horizon')
             for type_ in ('Ready', 'RolledOut', 'ConfigRendered', 'Stalled')]
    return any('calling webhook' in text for text in texts + namespace.warnings())


@case('cases', 'configmaps', 'deployments', 'status')
def webhook(case, what):
    """A webhook fails for ConfigMaps, Deployments, or the Horizon's status, while a pair is created."""
    namespace = case.namespace()
    case.require('the pods become ready', namespace.await_pods())
    with Webhook(namespace, what):
        operator = case.operator(namespace)
        namespace.add_pair()
        time.sleep(20)
        case.say(f'Glance {namespace.condition("Glance")}; Horizon {namespace.condition("Horizon")}')
        case.expect('a condition or a Warning event names the webhook within 20 s', tells(namespace),
                    namespace.warnings()[:2])
        failures = operator.lines('failed') + operator.lines('not written')
        case.expect('the log does not flood', len(failures) < 60, f'{len(failures)} lines in 20 s')
    recovered = patience.until(lambda: namespace.is_ready('Horizon'), 60)
    case.expect('the Horizon is ready within 60 s of the mended webhook', recovered, namespace.condition('Horizon'))


@case('cases')
def webhook_ready(case):
    """A webhook fails for ConfigMaps when a ready pair changes, then for Deployments when it is deleted."""
    soon = {'deletion': {'timeout': '5s'}}
    namespace, _ = case.verified_pair(glance=cloud.glance(**soon), horizon=cloud.horizon(**soon))
    with Webhook(namespace, 'configmaps'):
        namespace.set_host('horizon', 'new.example.com')
        namespace.merge('Glance', 'glance', {'spec': {'cors': {'allowedOrigins': ['https://portal.example.com']}}})
        time.sleep(25)
        for kind in ('Glance', 'Horizon'):
            condition = namespace.condition(kind)
            case.expect(f'the {kind} does not say that it is ready with what it was not given',
                        condition.status != 'True', condition)
        glance = namespace.condition('Glance')
        case.expect("the Glance's conditions are about its present spec", glance.current, glance)
    case.require('the pair recovers', namespace.await_verified())
    with Webhook(namespace, 'deployments'):
        namespace.delete_pair()
        time.sleep(30)
        case.say(f'Glance {namespace.condition("Glance")}; Horizon {namespace.condition("Horizon")}')
        case.expect('why the deletion hangs is told by a condition or a Warning event', tells(namespace),
                    namespace.warnings()[:2])
    gone = patience.until(namespace.pair_gone, 90)
    case.expect('both are gone within 90 s of the mended webhook', gone)
