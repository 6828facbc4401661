"""What users do to workloads that have a pair."""

import json
import time

import cloud
import patience
from casebook import case
from kube import path
from namespace import DOMAIN, RESOURCES


def where(namespace):
    return '; '.join(f'{kind} {namespace.condition(kind)}' for kind in RESOURCES)


def expect_soon(case, namespace, claim, seconds=15, condition=None):
    """Within the time the condition holds; without one: the pair uploads directly."""
    holds = patience.until(condition or namespace.verified, seconds)
    return case.expect(claim, holds, where(namespace) if not holds else None)


def expect_reason(case, namespace, claim, kind, *reasons, seconds=15):
    expect_soon(case, namespace, f'{claim}: {" or ".join(reasons)}', seconds,
                lambda: namespace.condition(kind).reason in reasons)


def expect_given_back(case, namespace, originals=None, seconds=40):
    """Both resources are deleted, and the workloads are as the user wrote them."""
    namespace.delete_pair()
    expect_soon(case, namespace, f'both are gone within {seconds} s of their deletion', seconds, namespace.pair_gone)
    for name, spec in (originals or {}).items():
        case.expect(f'the spec of {name} is what the user wrote', namespace.get('Deployment', name)['spec'] == spec)
    notes = [f'{item["metadata"]["name"]} {note}' for item in namespace.items('Deployment')
             for note in item['metadata'].get('annotations', {}) if note.startswith(DOMAIN)]
    case.expect('no annotation of ours is left', not notes, notes)


def defaulted(namespace, workload):
    """Its spec as the API server completes it."""
    named = {**workload, 'metadata': {'name': 'dry-run-' + workload['metadata']['name']}}
    return namespace.kube.create(namespace.path('Deployment') + '?dryRun=All', named)['spec']


def kubectl(case, namespace, *arguments, **options):
    case.lab.cluster.kubectl('-n', namespace.name, *arguments, **options)


def replace(case, namespace, workload):
    """Our fields are not in the user's manifest, and so go."""
    kubectl(case, namespace, 'replace', '-f', '-', text=json.dumps(workload))


def put_back(operator):
    """How often the operator has written to a workload."""
    return len(operator.lines('step="SwitchMode"')) + len(operator.lines('step="Mount"'))


@case('users')
def replaced(case):
    """kubectl replace with the user's own manifest, five times."""
    namespace, _ = case.verified_pair()
    for number in range(1, 6):
        replace(case, namespace, cloud.workload('horizon'))
        time.sleep(4)
        if number <= 3:
            expect_soon(case, namespace, f'replace {number}: our fields are put back', 12)
        else:
            expect_reason(case, namespace, f'replace {number} is a war', 'Horizon', 'Contended', seconds=12)
    expect_given_back(case, namespace, {'horizon': defaulted(namespace, cloud.workload('horizon'))})


@case('users')
def war(case):
    """A tool replaces Horizon's Deployment every 2 s for 40 s."""
    namespace, operator = case.verified_pair()
    before = put_back(operator)
    for _ in range(20):
        replace(case, namespace, cloud.workload('horizon'))
        time.sleep(2)
    count = put_back(operator) - before
    case.expect('our fields are put back at most 4 times', count <= 4, f'{count} times')
    expect_reason(case, namespace, 'the Horizon says why it stopped', 'Horizon', 'Contended')
    expect_given_back(case, namespace)


@case('users')
def undone(case):
    """kubectl rollout undo of both."""
    namespace, _ = case.verified_pair()
    for name in ('horizon', 'glance'):
        kubectl(case, namespace, 'rollout', 'undo', f'deployment/{name}')
        time.sleep(1)
        expect_soon(case, namespace, f'the undo of {name} is put back')
    expect_given_back(case, namespace, {name: defaulted(namespace, cloud.workload(name))
                                        for name in ('horizon', 'glance')})


@case('users')
def paused(case):
    """Glance is paused, the host changes, and it is resumed; then Horizon is paused, and both are deleted."""
    namespace, _ = case.verified_pair()
    kubectl(case, namespace, 'rollout', 'pause', 'deployment/glance')
    namespace.set_host('horizon', 'new.example.com')
    time.sleep(6)
    expect_reason(case, namespace, 'the Glance says so', 'Glance', 'RolloutPaused', seconds=10)
    kubectl(case, namespace, 'rollout', 'resume', 'deployment/glance')
    expect_soon(case, namespace, 'it goes on when it is resumed', 30)
    kubectl(case, namespace, 'rollout', 'pause', 'deployment/horizon')
    namespace.delete_pair()
    time.sleep(8)
    case.expect('deletion waits for the paused Horizon', not namespace.gone('Horizon'))
    kubectl(case, namespace, 'rollout', 'resume', 'deployment/horizon')
    expect_soon(case, namespace, 'both are gone when it is resumed', 30, namespace.pair_gone)


@case('users')
def scaled(case):
    """Each is scaled to zero and back; then both flap, as by an HPA, while the host changes."""
    namespace, _ = case.verified_pair()

    def scale(name, replicas):
        namespace.merge('Deployment', name, {'spec': {'replicas': replicas}})

    for kind, name in (('Glance', 'glance'), ('Horizon', 'horizon')):
        scale(name, 0)
        expect_reason(case, namespace, f'the {kind} at zero says so', kind, 'NoReplicas', 'GlanceNotReady')
        scale(name, 2)
        expect_soon(case, namespace, f'{name} is back at two', 30)
    namespace.set_host('horizon', 'new.example.com')
    for number in range(25):
        scale('glance', 1 + number * 7 % 5)
        scale('horizon', 1 + number * 3 % 4)
        time.sleep(0.3)
    expect_soon(case, namespace, 'the pair settles after the flapping', 40)
    expect_given_back(case, namespace)


@case('users')
def containers(case):
    """The container is renamed, gets a neighbour, another image, and goes."""
    namespace, _ = case.verified_pair()
    workload = cloud.workload('horizon')
    pod = workload['spec']['template']['spec']
    sidecar = {'name': 'sidecar', 'image': 'x:1'}
    pod['containers'][0]['name'] = 'web'
    replace(case, namespace, workload)
    expect_soon(case, namespace, 'a renamed container is found, as it is the only one', 30)
    pod['containers'].append(sidecar)
    replace(case, namespace, workload)
    time.sleep(3)
    expect_reason(case, namespace, 'of two, none is of our name', 'Horizon', 'ContainerUnknown', seconds=20)
    namespace.merge('Horizon', 'horizon', {'spec': {'workloadRef': {'container': 'web'}}})
    expect_soon(case, namespace, 'the container is named in the spec', 30)
    kubectl(case, namespace, 'set', 'image', 'deployment/horizon', 'web=registry.example.com/horizon:2')
    expect_soon(case, namespace, 'another image changes nothing', 30)
    pod['containers'] = [sidecar]
    replace(case, namespace, workload)
    time.sleep(3)
    expect_reason(case, namespace, 'the named container is gone', 'Horizon', 'ContainerUnknown', seconds=20)
    expect_given_back(case, namespace, {'horizon': defaulted(namespace, workload)})


@case('users')
def recreated(case):
    """Each Deployment is deleted and made again with another selector; then both at once."""
    namespace, _ = case.verified_pair()
    for kind, name in (('Horizon', 'horizon'), ('Glance', 'glance')):
        namespace.delete('Deployment', name, propagationPolicy='Foreground')
        case.require(f'{name} goes', patience.until(lambda: namespace.get('Deployment', name) is None, 30))
        expect_reason(case, namespace, f'{name} is away', kind, 'WorkloadNotFound')
        workload = cloud.workload(name)
        labels = {'app': name, 'generation': '2'}
        workload['spec']['selector'] = {'matchLabels': labels}
        workload['spec']['template']['metadata']['labels'] = labels
        namespace.create(workload)
        expect_soon(case, namespace, f'the new {name} is used', 40)
    for name in ('horizon', 'glance'):  # in the background: the old ones' ConfigMaps are being collected meanwhile
        namespace.delete('Deployment', name, propagationPolicy='Background')
        namespace.create(cloud.workload(name))
    time.sleep(2)
    expect_soon(case, namespace, 'both new ones are used', 40)
    time.sleep(15)
    mounted = [volume['configMap']['name'] for item in namespace.items('Deployment')
               for volume in item['spec']['template']['spec']['volumes'] if 'configMap' in volume]
    missing = [name for name in mounted if namespace.get('ConfigMap', name) is None]
    case.expect('the mounted ConfigMaps exist 15 s later', not missing, missing)
    expect_given_back(case, namespace, {name: defaulted(namespace, cloud.workload(name))
                                        for name in ('horizon', 'glance')})


@case('users')
def kinds(case):
    """Glance is a StatefulSet, Horizon a DaemonSet; later their pods are replaced by hand only."""
    namespace = case.namespace(objects=[*cloud.service('glance', kind='StatefulSet'),
                                        *cloud.service('horizon', kind='DaemonSet')])
    workloads = {'Glance': ('StatefulSet', 'glance'), 'Horizon': ('DaemonSet', 'horizon')}
    originals = {workload: namespace.get(*workload)['spec'] for workload in workloads.values()}
    case.operator(namespace)
    # What retires replaces pods once more, which would be up to the user again.
    namespace.add_pair(cloud.glance(retire_after='1h', workloadRef={'kind': 'StatefulSet'}),
                       cloud.horizon(workloadRef={'kind': 'DaemonSet'}))
    expect_soon(case, namespace, 'the pair becomes ready', 60)
    namespace.set_host('horizon', 'new.example.com')
    time.sleep(8)
    expect_soon(case, namespace, 'another host is followed', 40)
    for workload in workloads.values():
        namespace.merge(*workload, {'spec': {'updateStrategy': {'type': 'OnDelete', 'rollingUpdate': None}}})
    namespace.set_host('horizon', 'newer.example.com')
    expect_reason(case, namespace, 'OnDelete is told', 'Glance', 'RolloutOnDelete', seconds=20)
    for pod in namespace.pods():
        namespace.delete('Pod', pod['metadata']['name'])
    expect_soon(case, namespace, 'the pair is ready when the pods are deleted by hand', 40)
    for workload in workloads.values():
        namespace.merge(*workload, {'spec': {'updateStrategy': originals[workload]['updateStrategy']}})
    expect_given_back(case, namespace, seconds=60)
    for workload, spec in originals.items():
        case.expect(f'the spec of {workload[1]} is what the user wrote', namespace.get(*workload)['spec'] == spec)


@case('users')
def namespace_deleted(case):
    """The namespace is deleted in the middle of the first enablement."""
    namespace = case.namespace()
    operator = case.operator(namespace)
    namespace.add_pair()
    time.sleep(2)
    place = path('Namespace', name=namespace.name)
    namespace.kube.delete(place)
    gone = patience.until(lambda: namespace.kube.get(place) is None, 60)
    remaining = (namespace.kube.get(place) or {'status': {}})['status'].get('conditions', [])
    case.expect('it is gone within 60 s', gone,
                [condition['message'] for condition in remaining if condition['status'] == 'True'])
    troubles = [*operator.lines(' WARN '), *operator.lines(' ERROR ')]
    case.say(f'{len(troubles)} warnings and errors in the log: {[line[28:160] for line in troubles[:2]]}')


@case('users')
def foreign_pods(case):
    """A pod loses its label, and pods of others have the labels of the workloads."""
    def add_pod(name, **labels):
        namespace.create({'kind': 'Pod', 'metadata': {'name': name, 'labels': labels},
                          'spec': {'containers': [{'name': 'x', 'image': 'x'}]}})

    namespace, _ = case.verified_pair()
    orphan = namespace.pods('glance')[0]['metadata']['name']
    namespace.merge('Pod', orphan, {'metadata': {'labels': {'app': None}}})
    expect_soon(case, namespace, 'an orphaned Glance pod changes nothing', 20)
    add_pod('debug', app='horizon', **{'pod-template-hash': 'none'})
    time.sleep(3)
    namespace.set_host('horizon', 'new.example.com')
    time.sleep(6)
    expect_soon(case, namespace, "a pod with Horizon's label does not hold up a new host", 25)
    add_pod('debug2', app='glance')  # as kubectl debug --copy-to --keep-labels makes it
    time.sleep(1)
    namespace.set_host('horizon', 'newer.example.com')
    time.sleep(6)
    expect_soon(case, namespace, "a pod with Glance's label does not hold up a new host", 25)
    expect_given_back(case, namespace, seconds=30)
