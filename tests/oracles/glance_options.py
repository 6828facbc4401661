"""Glance's own options that imports have, and its policy, as the real libraries read them.

In: the text of files. Out: values by the types of `glance/common/config.py`,
`glance/async_/flows/plugins/` and `glance/async_/flows/_internal_plugins/`; decisions of oslo.policy
with the rules of `glance/policies/`.
"""

import logging
import os
import tempfile

from oslo_config import cfg
from oslo_context import context
from oslo_policy import _parser, policy

# What it does not understand it logs; here that is an answer.
logging.getLogger("oslo_policy").disabled = True
logging.getLogger("oslo_policy._parser").disabled = True

TEXT = cfg.types.String(quotes=True)
# The same in every release since Yoga.
OPTIONS = {
    "DEFAULT": [
        cfg.ListOpt("enabled_import_methods", item_type=TEXT, bounds=True,
                    default=["glance-direct", "web-download", "copy-image"]),
        cfg.StrOpt("node_staging_uri", default="file:///tmp/staging/"),
        cfg.StrOpt("worker_self_reference_url"),
    ],
    "image_import_opts": [
        cfg.ListOpt("image_import_plugins", item_type=TEXT, bounds=True, default=[]),
        cfg.IntOpt("max_parallel_stores", default=1, min=1),  # Glance 33
    ],
    "image_conversion": [cfg.StrOpt("output_format", default="raw", choices=("qcow2", "raw", "vmdk"))],
    "inject_metadata_properties": [
        cfg.ListOpt("ignore_user_roles", default="admin"),
        cfg.DictOpt("inject", default={}),
    ],
    "import_filtering_opts": [
        cfg.ListOpt("allowed_schemes", item_type=TEXT, bounds=True, default=["http", "https"]),
        cfg.ListOpt("disallowed_schemes", item_type=TEXT, bounds=True, default=[]),
        cfg.ListOpt("allowed_hosts", item_type=cfg.types.HostAddress(), bounds=True, default=[]),
        cfg.ListOpt("disallowed_hosts", item_type=cfg.types.HostAddress(), bounds=True, default=[]),
        cfg.ListOpt("allowed_ports", item_type=cfg.types.Integer(min=1, max=65535), bounds=True, default=[80, 443]),
        cfg.ListOpt("disallowed_ports", item_type=cfg.types.Integer(min=1, max=65535), bounds=True, default=[]),
    ],
    "os_glance_staging_store": [cfg.StrOpt("filesystem_store_datadir")],
    "wsgi": [cfg.StrOpt("python_interpreter")],
}


def values(files, env=None):
    """What Glance has of these files, later ones over earlier ones, in this environment."""
    before = {name: os.environ.get(name) for name in env or {}}
    os.environ.update(env or {})
    try:
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for number, text in enumerate(files):
                paths.append(os.path.join(folder, f"{number}.conf"))
                with open(paths[-1], "w") as file:
                    file.write(text)
            conf = cfg.ConfigOpts()
            for group, options in OPTIONS.items():
                conf.register_opts(options, group=None if group == "DEFAULT" else group)
            conf([], default_config_files=paths, default_config_dirs=[])
            return {group: {o.dest: (conf if group == "DEFAULT" else conf[group])[o.dest] for o in options}
                    for group, options in OPTIONS.items()}
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def enforce(files, rules, asked):
    """Decisions of an enforcer as Glance makes it: below a folder with these files, with these
    defaults, for (rule, roles, project, the target's project) each."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"glance-api.conf": "", **files}.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        conf = cfg.ConfigOpts()
        conf([], project="glance", default_config_files=[os.path.join(folder, "glance-api.conf")],
             default_config_dirs=[])
        enforcer = policy.Enforcer(conf, use_conf=True, overwrite=False)
        enforcer.suppress_default_change_warnings = True
        enforcer.register_defaults([policy.RuleDefault(name, rule) for name, rule in rules.items()])
        return [enforcer.enforce(rule, {"project_id": target},
                                 context.RequestContext(roles=roles, project_id=project, overwrite=False))
                for rule, roles, project, target in asked]


def parses(expressions):
    """Whether oslo.policy's parser takes each as it is; of what it does not, it makes a check that fails."""
    return [_whole(expression) for expression in expressions]


def _whole(expression):
    state = _parser.ParseState()
    checks = list(_parser._parse_tokenize(expression)) if expression else []
    for token in checks:
        state.shift(token)
    try:
        state.result
    except (ValueError, IndexError):
        return False
    # `_parse_check` makes the check that fails of `!`, and of what it does not understand.
    words = [word.strip("()") for word in expression.split()]
    return bool(checks) and all(
        word in ("!", "@", "") or word.lower() in ("and", "or", "not") or word.find(":") > 0 for word in words)
