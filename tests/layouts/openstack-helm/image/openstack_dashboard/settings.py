"""A stand-in for Horizon's settings.py: how it finds and runs the settings, and nothing else.

Same as in Horizon (Yoga to 2026.2):
- defaults, then `local.local_settings` (only an ImportError is tolerated), then the snippets;
- the snippets' folder is walked top-down, symbolic links to folders not followed; names are sorted
  within one folder, while the order of the subfolders is the file system's;
- each `*.py` is read as UTF-8 (before 2025.1: in the locale's encoding) and runs in this module's
  own namespace, so it sees and replaces every setting made so far;
- what goes wrong in a snippet is logged and forgotten, what it set before that stays.
"""

import logging
import os
import sys

from openstack_dashboard.defaults import *  # noqa: F403

LOG = logging.getLogger(__name__)
ROOT = os.path.dirname(os.path.abspath(__file__))
if ROOT not in sys.path:
    sys.path.append(ROOT)

# For the test only: Horizon keeps no such lists.
SNIPPETS_READ = []
SNIPPETS_FAILED = {}

# Django's own defaults.
ALLOWED_HOSTS = []
CSRF_TRUSTED_ORIGINS = []

try:
    from local.local_settings import *  # noqa: F403
    SNIPPETS_READ.append('local_settings.py')
except ImportError:
    LOG.warning('no local_settings')

_FOLDER = os.path.join(ROOT, 'local', 'local_settings.d')
if os.path.exists(_FOLDER):
    for _folder, _, _names in os.walk(_FOLDER):
        for _name in sorted(_names):
            if not _name.endswith('.py'):
                continue
            _path = os.path.join(_folder, _name)
            _shown = os.path.join('local_settings.d', os.path.relpath(_path, _FOLDER))
            try:
                with open(_path, encoding='utf-8') as _file:
                    SNIPPETS_READ.append(_shown)
                    exec(_file.read())
            except Exception as _error:
                SNIPPETS_FAILED[_shown] = f'{type(_error).__name__}: {_error}'
                LOG.exception('cannot run the snippet %s', _name)
