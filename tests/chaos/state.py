"""What a run leaves behind and what it wrote, without what differs from run to run."""

import hashlib
import json
import re

from kube import KINDS
from namespace import DOMAIN, mounted

#: Times, uids, and the names of rehearsals, which contain a uid.
NOISE = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ'
                   r'|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
                   r'|(?<=-rehearsal-)[0-9a-f]{10}')
REVISION = 'deployment.kubernetes.io/revision'
WORKLOADS = ('Deployment', 'StatefulSet', 'DaemonSet')
#: The part of a resource's status that is text for people.
TEXT = ('conditions', 'advice')


def cleaned(value, namespace):
    text = json.dumps(value, sort_keys=True).replace(namespace, 'NAMESPACE')
    return json.loads(NOISE.sub('*', text))


def end_state(namespace):
    """Every object that the operator has a part in, by kind and name."""
    found, used = {}, set()
    for kind in WORKLOADS:
        for item in namespace.items(kind):
            found[_title(kind, item)] = {'spec': item['spec'], **_metadata(item, 'finalizers')}
            used.add(mounted(item['spec']['template']['spec']))
    for item in namespace.items('ConfigMap'):
        name = item['metadata']['name']
        if 'direct-upload' in name:
            found[_title('ConfigMap', item)] = {'data': item.get('data'), 'immutable': item.get('immutable')}
            if name in used:  # what was noted on another one no longer counts
                found[_title('ConfigMap', item)] |= _metadata(item, 'labels', 'ownerReferences')
    for item in namespace.items('Job'):
        job = _metadata(item, 'labels')
        purpose = job['annotations'].get(f'{DOMAIN}/for', '').split('/')[0]
        found[f'{_title("Job", item)} for {purpose}'] = job
    for kind in ('Glance', 'Horizon'):
        for item in namespace.items(kind):
            status = item.get('status') or {}
            found[_title(kind, item)] = {
                **_metadata(item, 'finalizers'),
                'conditions': {condition['type']: f'{condition["status"]} {condition["reason"]}'
                               for condition in status.get('conditions') or []},
                'status': {name: value for name, value in status.items() if name not in TEXT},
            }
    return cleaned(found, namespace.name)


def present(state, known):
    """An end state without its history, which a disturbance may shorten.

    ConfigMaps that no template mounts may be missing, but there is none that is not in the `known` state.
    """
    found = {}
    for title, value in state.items():
        if title.startswith('ConfigMap ') and 'annotations' not in value and title in known:
            continue
        notes = {name: re.sub(' instead-of=.*', '', note) for name, note in value.get('annotations', {}).items()
                 if name != REVISION}
        found[title] = {**value, 'annotations': notes}
    return found


def _title(kind, item):
    return f'{kind} {item["metadata"]["name"]}'


def _metadata(item, *fields):
    """These fields, and the annotations that matter."""
    metadata = item['metadata']
    notes = {name: value for name, value in metadata.get('annotations', {}).items()
             if name.startswith(DOMAIN) or name == REVISION}
    return {'annotations': notes, **{field: metadata[field] for field in fields if field in metadata}}


def differences(expected, found):
    """Where two values differ, as lines to read; empty if they do not."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for key in sorted(expected.keys() | found.keys()):
            if key not in found:
                lines.append(f'{key}: missing')
            elif key not in expected:
                lines.append(f'{key}: unexpected')
            else:
                lines += [f'{key}: {line}' if line[0] == '“' else f'{key} / {line}'
                          for line in differences(expected[key], found[key])]
        return lines
    if expected == found:
        return []
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return differences(dict(enumerate(expected)), dict(enumerate(found)))
    left, right = json.dumps(expected, ensure_ascii=False), json.dumps(found, ensure_ascii=False)
    start = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))
    start = max(0, start - 60)
    return [f'“{left[start:start + 160]}” became “{right[start:start + 160]}”']


class Writes:
    """The writes of one run, as the proxy logged them."""

    def __init__(self, log, namespace):
        #: How many there were; what a fault kept from the API server does not count.
        self.count = sum('fault' not in entry or entry['code'] in (200, 201) for entry in log)
        #: Resource → its controller's writes, in order. Each resource has one reconcile at a time, so this order is
        #: the operator's own; that of the writes of two resources is chance. Statuses are left out: how often one is
        #: written on the way depends on what the operator happens to see.
        self.by_resource = {}
        #: Writes to workloads and Jobs in their order across all resources: here make before break is visible.
        self.to_workloads = []
        #: Digest → what was written.
        self.bodies = {}
        for entry in log:
            self._add(entry, namespace)

    def _add(self, entry, namespace):
        kind, name, sub = _target(entry)
        if sub == 'status':
            return
        body = cleaned(json.loads(entry['body'] or 'null'), namespace)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:8]
        self.bodies[digest] = body
        written = f'{entry["method"]} {kind} {name} {entry["code"]}'
        self.by_resource.setdefault(_owner(entry.get('manager', '?'), name), []).append(f'{written} {digest}')
        if kind in (*WORKLOADS, 'Job'):
            self.to_workloads.append(written)


def _target(entry):
    """Kind, name and subresource of what was written."""
    parts = entry['path'].split('/namespaces/', 1)[1].split('/')[1:] + [None, None]
    kind = next(kind for kind, (_, plural) in KINDS.items() if plural == parts[0])
    name = parts[1] or json.loads(entry['body'])['metadata']['name']
    return kind, re.sub(r'-rehearsal-[0-9a-f]{10}$', '-rehearsal-*', name), parts[2]


def _owner(manager, name):
    """The resource in whose reconcile an object was written: what is made for one begins with its name.

    A deletion does not tell who makes it."""
    return f'{manager.split("/")[-1]} {re.split("-direct-upload-|-rehearsal-", name)[0]}'
