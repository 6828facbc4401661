"""What each deployment tool makes of our fragments.

In: the fragments, as texts. Out: the files that Glance's CORS filter and Horizon read in the end:
{"glance": {file name: text}, "settings": text before ours, "snippets": text of ours}.

kolla-ansible's own templates and merge_configs come from its package. The others are not on PyPI: their few
lines are followed here, each named.
"""

import functools
import importlib.util
import io
import pathlib
import sys
import types

import jinja2
import yaml

HORIZON = "https://horizon.own.example.com"


def deployed(deployer, glance, horizon):
    """`glance`: [path, text] of each file."""
    return {
        "openstack-helm": _helm,
        "kolla-ansible": _kolla,
        "openstack-ansible": _openstack_ansible,
        "rhoso": _rhoso,
    }[deployer](dict(glance), horizon)


# The key names of each service, as the roles and operators have them. Each was read there; the fragment does not
# decide what counts.
OVERRIDES = {
    "barbican": "barbican_config_overrides",
    "swift": "swift_proxy_server_conf_overrides",
}
API_TEMPLATES = {
    "nova": "apiServiceTemplate",
    "cinder": "cinderAPI",
    "ironic": "ironicAPI",
    "heat": "heatAPI",
    "designate": "designateAPI",
    "octavia": "octaviaAPI",
    "barbican": "barbicanAPI",
    "manila": "manilaAPI",
}


def deployed_api(deployer, project, text):
    """The options that the fragment of another API adds to the service's file."""
    if deployer == "openstack-helm":
        values = yaml.safe_load(text)["conf"]
        (name,) = values
        assert name == ("proxy_server" if project == "swift" else project), name
        return _ini(values[name])
    if deployer == "kolla-ansible":
        parser = _merge_configs().OverrideConfigParser()
        parser.parse(io.StringIO(_jinja(text, {})))
        merged = io.StringIO()
        parser.write(merged)
        return merged.getvalue()
    if deployer == "openstack-ansible":
        variables = yaml.safe_load(text)
        (name,) = variables
        assert name == OVERRIDES.get(project, f"{project}_{project}_conf_overrides"), name
        return _ini(_templated(variables[name]))
    fields = yaml.safe_load(text)["spec"][project]["template"]
    if project == "swift":
        (overwrite,) = fields["swiftProxy"]["defaultConfigOverwrite"].items()
        assert overwrite[0] == "01-proxy-server.conf"
        return overwrite[1]
    if project in API_TEMPLATES:
        (fields,) = [fields[name] for name in fields if name == API_TEMPLATES[project]]
    assert set(fields) == {"customServiceConfig"}, fields
    return fields["customServiceConfig"]


def _ini(sections):
    """A text as it stands, a list joined by commas: helm-toolkit/templates/utils/_to_oslo_conf.tpl, and
    _option_write in ansible-config_template's plugins/action/config_template.py."""
    lines = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        for name, value in options.items():
            assert isinstance(value, (str, list)), (name, value)
            lines.append(f"{name} = {','.join(value) if isinstance(value, list) else value}")
    return "\n".join(lines) + "\n"


def _merged(base, over):
    """Helm's coalescing of values, and Ansible's recursive combine."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {name: _merged(base.get(name), over[name]) if name in over else base[name] for name in {**base, **over}}


def _templated(value):
    """What Ansible makes of a variable: Jinja in each text, once. ansible-core 2.15, 2.17 and 2.19 do, through
    config_template in a loop (2026-11-30)."""
    if isinstance(value, dict):
        return {name: _templated(item) for name, item in value.items()}
    return _jinja(value, {}) if isinstance(value, str) else value


def _helm(glance, horizon):
    base = {"conf": {"glance": {"DEFAULT": {"workers": "1"}, "cors": {}}, "policy": {}}}
    values = _merged(base, yaml.safe_load(glance["glance.yaml"]))
    # glance/values.yaml and horizon/values.yaml.
    config = {"local_settings": {"config": {"horizon_images_upload_mode": "legacy"}}, "local_settings_d": {}}
    horizon = _merged({"conf": {"horizon": config}}, yaml.safe_load(horizon) or {})["conf"]["horizon"]
    mode = horizon["local_settings"]["config"]["horizon_images_upload_mode"]
    return {
        "glance": {"glance-api.conf": _ini(values["conf"]["glance"])},
        "settings": f"HORIZON_IMAGES_UPLOAD_MODE = '{mode}'\n",
        "snippets": "".join(horizon["local_settings_d"].values()),
        # toYaml of the chart.
        "policy": values["conf"]["policy"],
    }


def _openstack_ansible(glance, horizon):
    # templates/glance-api.conf.j2 and defaults/main.yml of the two roles.
    own = {"cors": {"allow_headers": "origin,content-md5,x-auth-token", "allow_methods": "GET,POST,PUT", "allowed_origin": HORIZON}}
    given = {**yaml.safe_load(glance["user_variables_glance.yml"]), **(yaml.safe_load(horizon) or {})}
    variables = _templated({"horizon_images_upload_mode": "legacy", "glance_policy_overrides": {}, **given})
    assert set(variables) == {
        "horizon_images_upload_mode", "glance_glance_api_conf_overrides", "glance_policy_overrides",
    }, variables
    mode = variables["horizon_images_upload_mode"]
    return {
        "glance": {"glance-api.conf": _ini(_merged(own, variables["glance_glance_api_conf_overrides"]))},
        "settings": f"HORIZON_IMAGES_UPLOAD_MODE = '{mode}'\n",
        "snippets": "",
        # _merge_dict of config_template.
        "policy": {name: rule.split(",") if "," in rule else rule for name, rule in variables["glance_policy_overrides"].items()},
    }


def _rhoso(glance, horizon):
    *maps, glance = yaml.safe_load_all(glance["glance.yaml"])
    planes = (glance, yaml.safe_load(horizon))
    for plane in planes:
        assert (plane["apiVersion"], plane["kind"]) == ("core.openstack.org/v1beta1", "OpenStackControlPlane")
    glance, horizon = (plane["spec"][name]["template"] for plane, name in zip(planes, ("glance", "horizon")))
    policy = {}
    if maps:
        # The mount of a whole folder, and the option that names its file.
        (volume,), (mount,) = (glance["extraMounts"][0]["extraVol"][0][name] for name in ("volumes", "mounts"))
        (rules,) = [m["data"] for m in maps if m["metadata"]["name"] == volume["configMap"]["name"]]
        files = {f"{mount['mountPath']}/{name}": text for name, text in rules.items()}
        (policy_file,) = (line for line in glance["customServiceConfig"].splitlines() if line.startswith("policy_file"))
        policy = yaml.safe_load(files[policy_file.partition("=")[2].strip()])
        del glance["extraMounts"]
    assert set(glance) == set(horizon) == {"customServiceConfig"}
    return {
        "policy": policy,
        # templates/common/config/00-config.conf, and internal/glance/const.go.
        "glance": {
            "glance.conf.d/00-config.conf": f"[cors]\nallowed_origin={HORIZON}\n",
            "glance.conf.d/02-config.conf": glance["customServiceConfig"],
        },
        # templates/horizon/config/local_settings.py; a user's own until then.
        "settings": "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n",
        "snippets": horizon["customServiceConfig"],
    }


def _kolla(glance, horizon):
    parser = _merge_configs().OverrideConfigParser()
    variables = {"horizon_public_endpoint": HORIZON}
    for text in (_role("glance/templates/glance-api.conf.j2", variables), _jinja(glance.get("config/glance.conf", ""), {})):
        parser.parse(io.StringIO(text))
    merged = io.StringIO()
    parser.write(merged)
    # Its own file also names a database and the like, which a template without variables leaves open.
    own = _role("horizon/templates/_9998-kolla-settings.py.j2", variables)
    mode = next(line for line in own.splitlines() if line.startswith("HORIZON_IMAGES_UPLOAD_MODE"))
    assert mode == "HORIZON_IMAGES_UPLOAD_MODE = 'direct'", mode
    return {
        "glance": {"glance-api.conf": merged.getvalue()},
        "settings": "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n",
        "snippets": _jinja(horizon, {}),
        # ansible.builtin.template of the first of config/glance/policy.yaml and policy.json.
        "policy": yaml.safe_load(_jinja(glance.get("config/glance/policy.yaml", ""), {})) or {},
    }


def _share():
    return pathlib.Path(sys.prefix) / "share/kolla-ansible/ansible"


@functools.cache
def _merge_configs():
    """The action plugin; of Ansible it needs only names."""
    ansible = {name: types.ModuleType(name) for name in ("ansible", "ansible.plugins", "ansible.plugins.action")}
    ansible["ansible"].constants = None
    ansible["ansible.plugins"].action = ansible["ansible.plugins.action"]
    ansible["ansible.plugins.action"].ActionBase = object
    sys.modules.update(ansible)
    path = _share() / "action_plugins/merge_configs.py"
    spec = importlib.util.spec_from_file_location("merge_configs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Open(jinja2.ChainableUndefined):
    """A variable that nobody gives: empty text, no items."""

    def __call__(self, *_args, **_kwargs):
        return self


def _jinja(text, variables):
    environment = jinja2.Environment(undefined=_Open, keep_trailing_newline=True, trim_blocks=True)
    environment.filters.update(bool=bool, put_address_in_context=lambda value, _: value)
    for name in ("kolla_address", "kolla_url"):
        environment.filters[name] = lambda value, *_args, **_kwargs: str(value)
    return environment.from_string(text).render(**variables)


def _role(name, variables):
    return _jinja((_share() / "roles" / name).read_text(), variables)
