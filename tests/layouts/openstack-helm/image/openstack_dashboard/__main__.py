"""In place of Apache: loads the settings once and prints what they came to, as one line of JSON."""

import json

from openstack_dashboard import settings


def upload_mode():
    """As openstack_dashboard.api.glance: what it does not know is 'legacy'."""
    mode = settings.HORIZON_IMAGES_UPLOAD_MODE
    return mode if mode in ('off', 'legacy', 'direct') else 'legacy'


def shown(value):
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return repr(value)


print(json.dumps({
    'mode': upload_mode(),
    'read': settings.SNIPPETS_READ,
    'failed': settings.SNIPPETS_FAILED,
    'settings': {name: shown(value) for name, value in vars(settings).items()
                 if name.isupper() and not name.startswith(('_', 'SNIPPETS_'))
                 and name not in ('LOG', 'ROOT')},
}))
