"""Objects that cannot be decoded: unknown is not empty, and nobody but the object itself is harmed."""

import time

import cloud
import patience
from casebook import case
from cases.pods import expect_farewell
from kube import path

GATEWAY_API = 'gateway.networking.k8s.io'
#: As in a newer Gateway API, perhaps, where a weight may be a percentage.
UNREADABLE = [{'matches': [{'path': {'type': 'PathPrefix', 'value': '/'}}],
               'backendRefs': [{'name': 'horizon', 'port': 80, 'weight': '50%'}]}]
ANYTHING = {'openAPIV3Schema': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}
ORIGIN = 'https://route.example.com'


def define_gateway_api(case):
    """The two kinds, without a schema."""
    for kind, plural in (('HTTPRoute', 'httproutes'), ('Gateway', 'gateways')):
        version = {'name': 'v1', 'served': True, 'storage': True, 'subresources': {'status': {}}, 'schema': ANYTHING}
        case.lab.kube.create(path('CustomResourceDefinition'), {
            'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition',
            'metadata': {'name': f'{plural}.{GATEWAY_API}',
                         'annotations': {'api-approved.kubernetes.io': 'unapproved, experimental-only'}},
            'spec': {'group': GATEWAY_API, 'scope': 'Namespaced', 'versions': [version],
                     'names': {'kind': kind, 'plural': plural, 'singular': kind.lower()}},
        }, accepted=(409,))
    served = patience.until(lambda: [case.lab.kube.get(path(kind)) for kind in ('HTTPRoute', 'Gateway')], 30)
    case.require('the Gateway API is served', served)


def expose_by_route(namespace, host):
    """A Gateway, and an HTTPRoute that it has accepted, lead to Horizon."""
    true = [{'type': type_, 'status': 'True'} for type_ in ('Programmed', 'Accepted', 'ResolvedRefs')]
    listener = {'name': 'https', 'port': 443, 'protocol': 'HTTPS', 'hostname': '*.example.com'}
    rule = {'matches': UNREADABLE[0]['matches'], 'backendRefs': [{'name': 'horizon', 'port': 80}]}
    namespace.create(
        {'apiVersion': f'{GATEWAY_API}/v1', 'kind': 'Gateway', 'metadata': {'name': 'gateway'},
         'spec': {'gatewayClassName': 'x', 'listeners': [listener]}},
        {'apiVersion': f'{GATEWAY_API}/v1', 'kind': 'HTTPRoute', 'metadata': {'name': 'horizon'},
         'spec': {'parentRefs': [{'name': 'gateway'}], 'hostnames': [host], 'rules': [rule]}},
    )
    namespace.merge('Gateway', 'gateway', {'status': {'listeners': [
        {'name': 'https', 'attachedRoutes': 1, 'supportedKinds': [], 'conditions': true}]}}, 'status')
    namespace.merge('HTTPRoute', 'horizon', {'status': {'parents': [
        {'parentRef': {'name': 'gateway'}, 'controllerName': 'x', 'conditions': true}]}}, 'status')


@case('cases', 'only', 'both')
def undecodable(case, how):
    """The HTTPRoute that exposes Horizon, only it or beside an Ingress, becomes unreadable; the operator restarts."""
    define_gateway_api(case)
    namespace = case.namespace(objects=[
        object_ for object_ in cloud.services()
        if how == 'both' or (object_['kind'], object_['metadata']['name']) != ('Ingress', 'horizon')])
    expose_by_route(namespace, 'route.example.com')
    operator = case.operator(namespace)
    namespace.add_pair()
    case.require('the pair becomes ready', namespace.await_verified())
    case.require('Glance accepts the origin of the route', ORIGIN in namespace.accepted_origins())
    namespace.merge('HTTPRoute', 'horizon', {'spec': {'rules': UNREADABLE}})
    time.sleep(5)
    case.say(str([line[20:220] for line in operator.lines('cannot be read')][:1]))
    case.expect('Glance accepts the origin while the route cannot be read', ORIGIN in namespace.accepted_origins(),
                namespace.accepted_origins())
    operator.restart()
    time.sleep(20)  # cors.retireAfter is 3 s
    case.expect('… and 20 s after a restart', ORIGIN in namespace.accepted_origins(),
                f'it accepts {sorted(namespace.accepted_origins())}; Horizon is direct: {namespace.is_direct()}; '
                f'Horizon {namespace.condition("Horizon")}')


@case('cases', alone=True)
def undecodable_spec(case):
    """A Horizon's stored spec cannot be decoded: a field got another type while the definition allowed it."""
    namespace, operator = case.verified_pair()
    definition = path('CustomResourceDefinition', name='horizons.horizon.openstack.org')
    versions = case.lab.kube.get(definition)['spec']['versions']
    try:
        loose = [{**version, 'schema': ANYTHING} for version in versions]
        case.lab.kube.merge(definition, {'spec': {'versions': loose}})
        time.sleep(3)
        namespace.enable({'when': 'sunny'})
        time.sleep(4)
        _expect_accepted(case, namespace, 'while its spec cannot be read')
        operator.restart()
        time.sleep(12)
        _expect_accepted(case, namespace, '12 s after a restart')
    finally:
        case.lab.kube.merge(definition, {'spec': {'versions': versions}})
    time.sleep(2)
    expect_farewell(case, namespace, 40)


def _expect_accepted(case, namespace, when):
    accepted = 'https://horizon.example.com' in namespace.accepted_origins()
    case.expect(f'Glance accepts the origin of the direct Horizon {when}', accepted or not namespace.direct_pods(),
                f'it accepts {sorted(namespace.accepted_origins())}, direct pods {len(namespace.direct_pods())}, '
                f'Horizon {namespace.condition("Horizon")}')
