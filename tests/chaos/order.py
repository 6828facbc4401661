"""The order that must hold at every revision: while a Horizon uploads directly, every Glance Pod that serves, and
Glance's template, accept its origins. See docs/rollout-order.md."""

import json
import re

from namespace import is_ready, mounted


def check(changes, retirements):
    """Replays changes in the order of their revisions; returns violations, and how often each workload rolled.

    `retirements` are origins that no longer count from a time on: their dashboard has another host.
    """
    replay = Replay(changes, retirements)
    for change in changes:
        replay.apply(change)
    return replay.violations, replay.rolls


class Replay:
    def __init__(self, changes, retirements):
        self.retirements = retirements
        # A ConfigMap of ours never changes: what it says is known at any revision, also after its deletion.
        self.texts = {change.name: '\n'.join((change.object.get('data') or {}).values())
                      for change in changes if change.kind == 'ConfigMap' and change.object}
        self.deployments, self.pods, self.ingresses = {}, {}, {}
        self.templates, self.rolls = {}, {}
        self.needs = {}  # Horizon → the origins of its dashboard, from when it became direct
        self.violations, self.known = [], set()

    def apply(self, change):
        table = {'Deployment': self.deployments, 'Pod': self.pods, 'Ingress': self.ingresses}.get(change.kind)
        if table is not None:
            if change.object is None:
                table.pop(change.name, None)
            else:
                table[change.name] = change.object
        if change.kind == 'Deployment' and change.object:
            self._count_roll(change)
        for name in self.deployments:
            if name.startswith('horizon'):
                self._note_need(name)
        if 'glance' in self.deployments:
            self._judge(change)

    def _count_roll(self, change):
        template = json.dumps(change.object['spec']['template'], sort_keys=True)
        if self.templates.get(change.name) != template:
            self.templates[change.name] = template
            self.rolls[change.name] = self.rolls.get(change.name, -1) + 1

    def _note_need(self, horizon):
        template = self.deployments[horizon]['spec']['template']['spec']
        specs = [template, *(pod['spec'] for pod in self._pods_of(horizon))]
        if not any(self._is_direct(mounted(spec)) for spec in specs):
            self.needs.pop(horizon, None)
        elif horizon not in self.needs:
            ingress = self.ingresses.get(horizon, {'spec': {'rules': []}})
            self.needs[horizon] = {f'https://{rule["host"]}' for rule in ingress['spec']['rules']}

    def _judge(self, change):
        template = self.deployments['glance']['spec']['template']['spec']
        specs = {'the template': template}
        specs |= {pod['metadata']['name']: pod['spec'] for pod in self._pods_of('glance') if is_ready(pod)}
        for horizon, origins in self.needs.items():
            counting = {origin for origin in origins if change.time < self.retirements.get(origin, float('inf'))}
            lacking = [place for place, spec in specs.items() if not counting <= self._accepted(mounted(spec))]
            # One violation often lasts for many revisions: it is reported once.
            if lacking and (horizon, *lacking) not in self.known:
                self.known.add((horizon, *lacking))
                self.violations.append(
                    f'revision {change.revision} ({change.kind} {change.name}): {horizon} is direct with '
                    f'{sorted(counting)}, which Glance does not accept: {lacking}')

    def _pods_of(self, app):
        """Those that have not ended."""
        return [pod for pod in self.pods.values() if pod['metadata'].get('labels', {}).get('app') == app
                and pod.get('status', {}).get('phase') not in ('Failed', 'Succeeded')]

    def _accepted(self, config_map):
        found = re.search(r'allowed_origin *= *(.*)', self.texts.get(config_map, ''))
        return set(found.group(1).replace(' ', '').split(',')) if found else set()

    def _is_direct(self, config_map):
        return 'HORIZON_IMAGES_UPLOAD_MODE' in self.texts.get(config_map, '')
