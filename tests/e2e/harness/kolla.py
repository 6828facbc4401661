"""What kolla-ansible would put into /etc/kolla on the host of each service: rendered from the templates of its own
wheel, with its own defaults and filters. Only what an administrator states is stated here.
"""

import importlib
import subprocess
import sys
import zipfile

import jinja2
import jinja2.nativetypes
import yaml

VERSION = '22.2.0'  # 2026.1
ROLES = {'glance-api': 'glance', 'horizon': 'horizon'}
HOST = 'controller'



class Groups:
    """The inventory: a host of each service that this cloud has."""

    def __getitem__(self, name):
        return {'memcached': ['memcached'], 'rabbitmq': ['rabbitmq'], 'glance-api': [HOST]}.get(name, [])


# globals.yml and passwords.yml of this cloud, the inventory, and the addresses that the network has.
STATED = {
    'kolla_base_distro': 'debian',
    'kolla_internal_vip_address': 'internal.cloud.test',
    'kolla_same_external_internal_vip': False,
    'kolla_enable_tls_external': True,
    'keystone_internal_fqdn': 'keystone',
    'keystone_external_fqdn': 'keystone.cloud.test',
    'horizon_external_fqdn': 'horizon.cloud.test',
    'database_address': 'mariadb',
    'glance_database_password': 'glance',
    'glance_keystone_password': 'glance',
    'rabbitmq_password': 'rabbitmq',
    'horizon_secret_key': 'shared by the replicas',
    'memcache_secret_key': 'shared by the services',
    'api_interface_address': '0.0.0.0',
    'inventory_hostname': HOST,
    'groups': Groups(),
    'ansible_facts': {'processor_vcpus': 2},
    'custom_policy': [],
}


class Files:
    """The files by service: `config` for those of config.json, by their names in /var/lib/kolla/config_files."""

    def __init__(self, folder, **stated):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder,
                        f'kolla-ansible=={VERSION}'], check=True)
        wheel = next(folder.glob('kolla_ansible-*.whl'))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        sys.path.insert(0, str(folder))
        self.root = next(folder.glob('*.data/data/share/kolla-ansible/ansible'))
        self.variables = {}
        for defaults in (*sorted(self.root.glob('group_vars/all/*.yml')), self.root / 'roles/glance/defaults/main.yml',
                         self.root / 'roles/horizon/defaults/main.yml',
                         self.root / 'roles/service-uwsgi-config/defaults/main.yml'):
            self.variables.update(yaml.safe_load(defaults.read_text()) or {})
        self.variables.update(STATED)
        self.variables.update(stated)

    def horizon(self, **stated):
        uwsgi = self._uwsgi('horizon', 'horizon', service_uwsgi_config_http_port='{{ horizon_listen_port }}',
                            service_uwsgi_config_uid='horizon', service_uwsgi_config_threads='{{ horizon_wsgi_threads }}',
                            service_uwsgi_config_workers='{{ horizon_wsgi_processes }}', **stated)
        template = self._of('horizon', **stated)
        return {
            'config.json': template('horizon.json.j2'),
            'horizon-uwsgi.ini': uwsgi,
            '_9998-kolla-settings.py': template('_9998-kolla-settings.py.j2'),
            '_9999-custom-settings.py': template('_9999-custom-settings.py.j2'),
        }

    def glance(self, **stated):
        uwsgi = self._uwsgi('glance', 'glance-api', service_uwsgi_config_http_port='{{ glance_api_listen_port }}',
                            service_uwsgi_config_chunked_input_limit=64 << 20, service_uwsgi_config_uid='glance',
                            service_uwsgi_config_log_file_chmod='644',
                            service_uwsgi_config_workers='{{ glance_api_workers }}', **stated)
        template = self._of('glance', **stated)
        return {
            'config.json': template('glance-api.json.j2'),
            'glance-api-uwsgi.ini': uwsgi,
            'glance-api.conf': template('glance-api.conf.j2'),
        }

    def _uwsgi(self, role, service, **stated):
        """As tasks/config.yml of the role calls service-uwsgi-config."""
        module = self.variables[f'{role}_services'][service]['wsgi']
        return self._of('service-uwsgi-config', **{
            'service_name': service, 'ansible_parent_role_names': [role], 'service_uwsgi_config_module': module,
            'service_uwsgi_config_tls_backend': False, **stated})('uwsgi.ini.j2')

    def _of(self, role, **stated):
        environment = Ansible(jinja2.Environment, {**self.variables, **stated}).environment
        return lambda name: environment.from_string((self.root / f'roles/{role}/templates/{name}').read_text()).render()


class Ansible:
    """Variables whose values are templates themselves, rendered when they are used."""

    def __init__(self, kind, variables):
        self.variables, self.known = variables, {}
        self.native = self._environment(jinja2.nativetypes.NativeEnvironment)
        self.environment = self._environment(kind)

    def value(self, name):
        if name not in self.known:
            self.known[name] = self._rendered(self.variables[name])
        return self.known[name]

    def _rendered(self, value):
        if isinstance(value, str) and ('{{' in value or '{%' in value):
            return self.native.from_string(value).render()
        if isinstance(value, list):
            return [self._rendered(item) for item in value]
        if isinstance(value, dict):
            return {key: self._rendered(item) for key, item in value.items()}
        return value

    def _environment(self, kind):
        lazily = self

        class Context(kind.context_class):
            def resolve_or_missing(self, key):
                if key in self.vars or key not in lazily.variables:
                    return super().resolve_or_missing(key)
                return lazily.value(key)
        environment = kind(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
        environment.context_class = Context
        environment.filters.update(
            bool=lambda value: str(value).lower() in ('yes', 'on', '1', 'true'),
            basename=lambda path: path.rpartition('/')[2],
            # Names here, and no interfaces.
            kolla_address=lambda network, host=HOST: host,
            kolla_url=importlib.import_module('kolla_ansible.kolla_url').kolla_url,
            put_address_in_context=importlib.import_module(
                'kolla_ansible.put_address_in_context').put_address_in_context)
        return environment
