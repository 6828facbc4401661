"""glance_store: what its Swift driver gets from a store's own group of options.

In: the text of ini files in the order in which they are read. Out: what is read of each store that
has been set up, raw, and whether it would re-authenticate. glance_store keeps its options in a global,
so that each question has a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile

OPTIONS = ('swift_store_multi_tenant', 'swift_store_use_trusts', 'default_swift_reference',
           'swift_store_expire_soon_interval', 'swift_store_retry_get_count')


def options(files):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, text in enumerate(files):
            paths.append(os.path.join(folder, f'{number}.conf'))
            with open(paths[-1], 'w') as file:
                file.write(text)
        done = subprocess.run([sys.executable, '-W', 'ignore', __file__, *paths], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def main():
    import logging
    logging.disable(logging.CRITICAL)
    import glance_store
    from glance_store import location
    from glance_store._drivers.swift import utils
    from oslo_config import cfg

    cfg.CONF.register_opt(cfg.DictOpt('enabled_backends'))
    cfg.CONF([], default_config_files=sys.argv[1:], default_config_dirs=[])
    glance_store.register_store_opts(cfg.CONF)
    glance_store.create_multi_stores(cfg.CONF)
    answer = {}
    for name in cfg.CONF.enabled_backends:
        group = cfg.CONF[name]
        entries = location.SCHEME_TO_CLS_BACKEND_MAP.get('swift+https', {})
        if name not in entries:
            answer[name] = None  # It could not be set up.
            continue
        # As MultiTenantStore.init_client looks its credentials up.
        accounts = utils.SwiftParams(cfg.CONF, backend=name).params
        answer[name] = {option: getattr(group, option) for option in OPTIONS}
        answer[name]['credentials found'] = accounts.get(group.default_swift_reference) is not None
    print(json.dumps(answer))


if __name__ == '__main__':
    main()
