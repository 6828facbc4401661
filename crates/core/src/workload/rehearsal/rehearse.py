"""Loads the operator's files as the program of this image will, before a serving pod gets them.

Runs in a Job with the workload's own image, by whichever Python of the image has the program (see
rehearse.sh). Needs nothing but that Python, and changes nothing. Only --catalog uses the network: it
asks Keystone once, with the account of Glance's own [keystone_authtoken]. Neither its password nor the
token leaves this process.

--own-cors reads every file that the CORS filter reads, but those that the operator has written: else an
origin of ours would be taken for one of the user's, and never go. Of what stands there only that leaves
this process which is an origin, *, the name of a header or method, a flag or a number, in [cors].

    rehearse.py --look                        where does Horizon read snippets, which panel does it show?
                [--start WORDS]               how the container is started (JSON), which decides how a file gets there
    rehearse.py --catalog [--config-file FILE] [--config-dir FOLDER]
                                              which public image endpoints does Keystone's catalog publish?
    rehearse.py --own-cors                    what do the user's own files say in [cors]?
    rehearse.py [--snippet FILE [--direct]]   FILE among Horizon's settings; --direct: it sets the mode
                [--cors FILE]                 FILE among the CORS filter's options
                [--swift FILE]                FILE among those of Swift's proxy, which --start starts
                [--options FILE]              FILE among Glance's own options
                [--httpd FILE]                FILE among httpd's directives

The answer is one line of JSON, on standard output and in the container's termination message:

    {"problem": {"code": …, "text": …} or null,
     "localSettingsDir": …, "alsoReadAs": …, "delivery": …, "mode": …, "panel": …, "catalog": {REGION: URL}, "python": …, "notes": […],
     "cors": {"set": {OPTION: VALUE}, "beside": [OPTION], "left": {OPTION: COUNT}} or {"unread": WHY}}

"localSettingsDir" is the folder of snippets, and "alsoReadAs" the same folder by another path. "delivery" is Mount,
or Copy where the start script changes owner or mode of what lies there.

In "cors", "beside" names the options that another file than glance-api.conf decides, and "left" counts the
values that stay here.

Exit code 0: nothing speaks against the files. 1: the problem does. 3: this Python has not the
program, another one may. What cannot be judged here, because only the image's start script
prepares it, is a note and no problem: a rehearsal must not be stricter than the program.

Values of settings are never told, except the upload mode, which image panel is shown, and plain values of
[cors]; of a catalog only what is a region's name, and a URL without user or password.
"""

import argparse
import importlib
import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import urllib.parse

ANSWER = os.environ.get('REHEARSAL_ANSWER', '/dev/termination-log')
#: A termination message holds 4096 bytes; what is longer is cut by the kubelet, and is no JSON then.
LONGEST = 600
MODE = 'HORIZON_IMAGES_UPLOAD_MODE'
#: Where packages put Horizon when it is not on Python's own path.
HORIZON_ROOTS = ('/usr/share/openstack-dashboard',)
#: What a browser asks before Horizon's upload, and at the least before any other call.
UPLOAD = ('PUT', 'content-type,x-auth-token,x-csrftoken')
CALL = ('GET', 'x-auth-token')
PROJECTS = ('glance', 'keystone', 'nova', 'neutron', 'cinder', 'placement', 'ironic', 'heat', 'designate',
            'octavia', 'barbican', 'manila')


class Problem(Exception):
    """The files would not do what they are for."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class NotHere(Exception):
    """This Python has not the program."""


def short(text):
    text = ' '.join(str(text).split())
    return text if len(text) <= LONGEST else text[:LONGEST] + '…'


# --- Horizon ------------------------------------------------------------------------------------

def horizon_package():
    """Horizon's own folder, found without running any of it."""
    sys.path.extend(root for root in HORIZON_ROOTS if os.path.isdir(root))
    spec = importlib.util.find_spec('openstack_dashboard')
    if spec is None or not spec.origin:
        raise NotHere('openstack_dashboard')
    return os.path.dirname(spec.origin)


def snippets_folder(package, start, answer):
    """Where the folder really is that Horizon walks (openstack_dashboard/settings.py). Told is a path that the
    operator takes, that one or Horizon's own; and the other one."""
    own = os.path.join(package, 'local', 'local_settings.d')
    folder = os.path.realpath(own)
    usual = folder.startswith('/etc/openstack-dashboard/') or '/openstack_dashboard/local' in folder
    told, also = (folder, own) if usual and folder.endswith('/local_settings.d') else (own, folder)
    answer['localSettingsDir'] = told
    if also != told:
        answer['alsoReadAs'] = also
    answer['delivery'] = delivery({folder, own}, start)
    return folder


#: What images start with where the workload names nothing.
ENTRY_POINTS = ('/usr/local/bin/kolla_extend_start', '/docker-entrypoint.sh', '/entrypoint.sh', '/start.sh', '/run.sh',
                '/usr/local/bin/docker-entrypoint.sh', '/usr/local/bin/entrypoint.sh', '/usr/local/bin/start.sh')
#: An absolute path in the text of a script.
PATH = re.compile(r'(?<![\w.$}-])/[A-Za-z0-9._/-]+')
#: What a shell puts in a text's place.
EXPANSION = re.compile(r'`[^`]*`|\$\{(\w+)[^{}]*\}|\$(\w+)')
ASSIGNMENT = re.compile(r'^\s*(?:export\s+|readonly\s+|local\s+)?(\w+)=(.*?)\s*;?$', re.MULTILINE)
ANY = '\0'


def delivery(folders, start):
    """How a file must get into the folder. A read-only file ends a start script that changes its owner or mode."""
    return 'Copy' if any(takes_over(text, folders) for text in start_scripts(start)) else 'Mount'


def start_scripts(words):
    """The container's command, and the scripts that it runs."""
    # A word that holds a script is one; else they are one command.
    texts = [word for word in words if len(word.split()) > 1] or [' '.join(words)]
    paths = [path for word in words for path in PATH.findall(word)] or list(ENTRY_POINTS)
    for path in paths:
        if len(texts) > 20:
            break
        try:
            if not os.path.isfile(path) or os.path.getsize(path) > FILE:
                continue
            with open(path, encoding='utf-8') as file:
                text = file.read()
        except (OSError, UnicodeDecodeError):
            continue
        if not text.startswith('#!') and not path.endswith('.sh') and path not in ENTRY_POINTS:
            continue
        texts.append(text)
        paths += [other for other in PATH.findall(text) if other not in paths and os.access(other, os.X_OK)]
    return texts


def takes_over(script, folders):
    """Whether a script changes owner or mode of what lies in one of these folders, as far as its text tells: what only
    running it would tell may be any path."""
    script = without_commands(script.replace('\\\n', ' '))
    values = {}
    for name, value in ASSIGNMENT.findall(script):
        values[name] = expanded(value.strip('"\''), values)
    for line in expanded(script, values).splitlines():
        for part in re.split(r'[;&|(){}]+', line.split(' #')[0]):
            words = part.replace('"', '').replace("'", '').split()
            if words and not words[0].startswith('#') and any(covers(*o, folders) for o in operands(words)):
                return True
    return False


def without_commands(script):
    """A script with ANY for each $(…)."""
    while '$(' in script:
        before, _, rest = script.rpartition('$(')
        depth = 1
        for at, char in enumerate(rest):
            depth += (char == '(') - (char == ')')
            if depth == 0:
                break
        script = before + ANY + rest[at + 1:] if rest else before
    return script


def expanded(text, values):
    return EXPANSION.sub(lambda found: values.get(found.group(1) or found.group(2), ANY), text)


def operands(words):
    """The paths that chown and its like are given, and whether they go into folders."""
    names = [word.rsplit('/', 1)[-1] for word in words]
    found = [at for at, name in enumerate(names) if name in ('chown', 'chgrp', 'chmod')]
    if not found:
        return []
    if 'find' in names[:found[0]]:
        return [(words[names.index('find') + 1], True)]
    rest = words[found[0] + 1:]
    options = [word for word in rest if word.startswith('-')]
    recursive = any(option == '--recursive' or (option[1:2] != '-' and 'R' in option) for option in options)
    paths = [word for word in rest if not word.startswith('-')]
    by_reference = any(option.startswith('--reference') for option in options)
    return [(path, recursive) for path in paths[0 if by_reference else 1:]]


def covers(operand, recursive, folders):
    """Whether a path, with what only running would tell, is one of the folders or, for those that go into folders,
    leads to one."""
    pattern = ''.join('.*' if char == ANY else '[^/]*' if char == '*' else re.escape(char) for char in operand.rstrip('/'))
    if not operand.startswith(('/', ANY)):
        pattern = '.*' if operand in ('.', './') else '(?:.*/)?' + pattern
    for folder in folders:
        above = [folder] + [folder[:at] for at, char in enumerate(folder) if char == '/' and at]
        reached = [folder + '/zz.py'] + (above if recursive else [])
        if any(re.fullmatch(pattern, path) for path in reached):
            return True
    return False


def check_snippet(path, direct, start, answer):
    package = horizon_package()
    folder = snippets_folder(package, start, answer)
    if not os.path.isfile(path):
        raise Problem('NotThere', f'{path} is not in the container although it is mounted there')
    if os.path.realpath(os.path.dirname(path)) != folder:
        raise Problem('NotRead', f'Horizon in this image reads snippets from {folder}; {path} is never read')
    with open(path, encoding='utf-8') as file:
        text = file.read()
    try:
        code = compile(text, path, 'exec')
    except SyntaxError as error:
        raise Problem('Syntax', f"{path}, line {error.lineno}: the image's Python does not take it: {error.msg}")

    module = load_settings(answer)
    if module is None:
        # The walk is Horizon's own all the same: whoever comes after the snippet has the last word.
        module = {}
    answer.update(panel_of(module))
    if MODE in module:
        answer['mode'] = module[MODE] if module[MODE] in ('off', 'legacy', 'direct') else 'legacy'
    try:
        exec(code, dict(module, __name__='openstack_dashboard.settings'))
    except Exception as error:
        raise Problem('Raises', f'{path} fails when it is run: {type(error).__name__}: {error}')
    if direct and answer.get('mode', 'direct') != 'direct':
        who = overriding(folder, path, module)
        raise Problem('Overridden', f'{MODE} is {answer["mode"]!r} after all settings have run; {who}')
    if direct and 'mode' not in answer and mentions(folder, path):
        raise Problem('Overridden', f'{mentions(folder, path)[-1]} is run later and sets {MODE}')


def panel_of(module):
    """Which image panel the dashboard shows. What the setting lacks has Horizon's default
    (get_dict_config of openstack_dashboard/utils/settings.py, asked by dashboards/project/images/urls.py)."""
    features = module.get('ANGULAR_FEATURES')
    if not isinstance(features, dict):
        return {}
    if 'images_panel' in features:
        return {'panel': 'angular' if features['images_panel'] else 'django'}
    try:
        default = importlib.import_module('openstack_dashboard.defaults').ANGULAR_FEATURES['images_panel']
    except Exception:
        return {}
    return {'panel': 'angular' if default else 'django'}


def load_settings(answer):
    """The names that openstack_dashboard.settings ends with; none if only the start script of the
    image makes it loadable."""
    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'openstack_dashboard.settings')
    logging.disable(logging.CRITICAL)
    try:
        return dict(vars(importlib.import_module('openstack_dashboard.settings')))
    except (Exception, SystemExit) as error:
        answer['notes'].append(short(f"Horizon's settings do not load in a rehearsal: {type(error).__name__}: {error}"))
        return None


def walked(folder):
    """The snippets in the order in which Horizon runs them (openstack_dashboard/settings.py)."""
    for parent, _, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in sorted(names) if name.endswith('.py'))


def later(folder, path):
    ours = os.path.realpath(path)
    files = list(walked(folder))
    at = [number for number, file in enumerate(files) if os.path.realpath(file) == ours]
    return files[at[-1] + 1:] if at else files


def mentions(folder, path):
    def mentioned(file):
        try:
            with open(file, encoding='utf-8', errors='replace') as opened:
                return MODE in opened.read()
        except OSError:
            return False
    return [file for file in later(folder, path) if mentioned(file)]


def overriding(folder, path, module):
    """Who sets the mode after our file did."""
    names = dict(module)
    names[MODE] = 'direct'
    for file in later(folder, path):
        try:
            with open(file, encoding='utf-8') as opened:
                exec(compile(opened.read(), file, 'exec'), names)
        except (Exception, SystemExit):
            pass  # Horizon goes on, too.
        if names.get(MODE) != 'direct':
            return f'{file} is run later and sets it'
    return 'something else than a snippet sets it'


# --- the CORS filter ----------------------------------------------------------------------------

def whose(path):
    """Project and program that read the folder of FILE (oslo_config.cfg.find_config_dirs)."""
    folder = os.path.dirname(path)
    program = os.path.basename(folder)[:-len('.conf.d')]
    project = os.path.basename(os.path.dirname(folder)).lstrip('.')
    return (project if project in PROJECTS else program.split('-')[0]), program


def check_cors(path, answer):
    try:
        from oslo_config import cfg
        from oslo_middleware import cors
        import webob
    except ImportError as error:
        raise NotHere(str(error))
    if not os.path.isfile(path):
        raise Problem('NotThere', f'{path} is not in the container although it is mounted there')
    ours = cfg.ConfigOpts()
    ours.register_opt(cfg.ListOpt('allowed_origin', default=[]), group='cors')
    try:
        ours([], default_config_files=[path], default_config_dirs=[])
        origins = ours.cors.allowed_origin
    except cfg.Error as error:
        raise Problem('Syntax', f'oslo.config does not take {path}: {error}')

    def inner(environ, start_response):
        start_response('204 No Content', [])
        return [b'']

    try:
        project, program = whose(path)
        method, headers = UPLOAD if project == 'glance' else CALL
        options = dict(paste_options(project), oslo_config_project=project, oslo_config_program=program)
        granted = cors.filter_factory({}, **options)(inner)
    except Exception as error:
        raise Problem('Refused', f'the CORS filter does not start: {type(error).__name__}: {error}')
    for origin in origins:
        request = webob.Request.blank('/v2/images/0/file', method='OPTIONS', headers={
            'Origin': origin,
            'Access-Control-Request-Method': method,
            'Access-Control-Request-Headers': headers,
        })
        allowed = request.get_response(granted).headers.get('Access-Control-Allow-Origin')
        if allowed not in (origin, '*'):
            raise Problem('Overridden', (
                f"the CORS filter of this image would refuse a browser's request from {origin}: {missing(granted, origin, method, headers)}; "
                f'another file of its search path, or [filter:cors] of the paste file, replaces what {path} says'))


def missing(granted, origin, method, headers):
    """What the filter lacks, as it keeps it (oslo_middleware/cors.py)."""
    known = getattr(granted, 'allowed_origins', {}).get(origin)
    if known is None:
        return 'it does not have that origin'
    if method not in known.get('allow_methods', ()):
        return f'it does not allow {method}'
    has = {header.lower() for header in known.get('allow_headers', ())} | {'content-type'}
    return f"it does not allow {', '.join(sorted(set(headers.split(',')) - has))}"


def check_swift(path, start, answer):
    try:
        from swift.common import wsgi
        from paste.deploy import loadwsgi
    except ImportError as error:
        raise NotHere(str(error))
    import configparser
    if not os.path.isfile(path):
        raise Problem('NotThere', f'{path} is not in the container although it is mounted there')
    folder = os.path.dirname(path)
    named = [found for text in start_scripts(start) for found in PATH.findall(text)]
    if not any(os.path.realpath(other) == os.path.realpath(folder) for other in named):
        single = [other for other in named if re.search(r'proxy[^/]*\.conf$', other)]
        if single:
            raise Problem('NotRead', (
                f"the container's command names {single[0]}: Swift's proxy reads that file and nothing beside it; "
                f'start it with {folder}'))
        answer['notes'].append(f"the container's command does not say that Swift's proxy is started with {folder}")
    ours = configparser.RawConfigParser(strict=False)
    ours.optionxform = str
    try:
        ours.read(path)
        app = wsgi.loadcontext(loadwsgi.APP, folder)
        has = getattr(app, 'app_context', app).config()
    except Exception as error:
        # The user's own file may hold secrets, which an error would quote.
        raise Problem('Refused', f"Swift's proxy does not load {folder}: {type(error).__name__}")
    name = 'cors_allow_origin'
    known = {item.strip() for item in has.get(name, '').split(',')}
    lacks = [item for item in ours.defaults().get(name, '').split(',') if item and item not in known]
    if lacks:
        raise Problem('Overridden', (
            f"Swift's proxy would refuse a browser's request from {lacks[0]}: `set {name}` in its own section, or a later "
            f'file of {folder}, replaces what {path} says'))


def paste_options(project):
    """The options of the paste file's [filter:cors], which beat every configuration file."""
    import configparser
    name = 'glance-api-paste.ini' if project == 'glance' else 'api-paste.ini'
    for path in (f'/etc/{project}/{name}', f'/usr/share/{project}-api/{name}'):
        parser = configparser.RawConfigParser(strict=False)
        try:
            if parser.read(path) and parser.has_section('filter:cors'):
                return {name: value for name, value in parser.items('filter:cors')
                        if name not in ('paste.filter_factory', 'use') and name not in parser.defaults()}
        except (configparser.Error, UnicodeDecodeError, OSError):
            pass
    return {}


# --- Glance's own options -----------------------------------------------------------------------

def check_options(path, answer):
    try:
        from oslo_config import cfg
    except ImportError as error:
        raise NotHere(str(error))
    if not os.path.isfile(path):
        raise Problem('NotThere', f'{path} is not in the container although it is mounted there')
    import configparser
    ours = configparser.RawConfigParser(strict=False)
    ours.read(path)
    stores = [name for name in ours.sections()
              if ours.get(name, 'swift_store_multi_tenant', fallback='') == 'true']
    names = ['swift_store_config_file', *CREDENTIALS, *APPLICATION_CREDENTIALS]
    conf = cfg.ConfigOpts()
    for store in ['backend_defaults', *stores]:
        conf.register_opts([cfg.StrOpt(name) for name in names], group=store)
    try:
        conf([], default_config_files=cfg.find_config_files('glance', 'glance-api'),
             default_config_dirs=[os.path.dirname(path)])
    except cfg.Error as error:
        # The user's own file may hold secrets, which an error would quote.
        raise Problem('Syntax', f'oslo.config does not take {path} beside the other files: {type(error).__name__}')
    for store in stores:
        group = conf[store]
        if group.swift_store_config_file:
            raise Problem('Refused', (
                f'[{store}] has a swift_store_config_file in another file, which excludes '
                f'swift_store_multi_tenant: Glance would not set up the store'))
        if ours.get(store, 'swift_store_use_trusts', fallback='') != 'true':
            continue
        lacks = [[name for name in names if not (group[name] or conf.backend_defaults[name])]
                 for names in (CREDENTIALS, APPLICATION_CREDENTIALS)]
        if all(lacks):
            raise Problem('Refused', (
                f"[{store}] has no {', '.join(lacks[0])}: without them Glance goes on with the user's token, "
                f'and says nothing; name a Secret with them in spec.swift[].credentials'))


CREDENTIALS = ('swift_store_auth_address', 'swift_store_user', 'swift_store_key')
APPLICATION_CREDENTIALS = (
    'swift_store_auth_address', 'swift_store_application_credential_id', 'swift_store_application_credential_secret')


# --- Keystone's catalog -------------------------------------------------------------------------

#: How long Keystone may take for each of the one or two requests that a token costs, in seconds.
PATIENCE = 20
#: Bytes of an answer that still fit, with all that stands beside it, into a termination message.
ROOM = 3000
#: Bytes of a termination message that are used: the kubelet cuts at 4096.
WHOLE = 4000
#: What the start scripts of Kolla's and RHOSO's images copy to /etc/glance.
COPIED = ('/var/lib/kolla/config_files/glance-api.conf', '/var/lib/config-data/default/etc/glance/glance-api.conf')


def ask_catalog(files, folders, answer):
    try:
        from keystoneauth1 import loading
        from oslo_config import cfg
    except ImportError as error:
        raise NotHere(str(error))
    conf = own_configuration(cfg, loading, files, folders)
    try:
        auth = loading.load_auth_from_conf_options(conf, 'keystone_authtoken')
    except Exception as error:
        raise Problem('Unread', f'[keystone_authtoken] cannot be used: {type(error).__name__}')
    if auth is None:
        raise Problem('Unread', 'the configuration has no account in [keystone_authtoken]')
    session = loading.load_session_from_conf_options(conf, 'keystone_authtoken', auth=auth)
    session.timeout = PATIENCE
    try:
        # Asked once, and never again: a password that is no longer valid must not lock Glance's account.
        catalog = auth.get_access(session).service_catalog
        found = catalog.get_endpoints_data(service_type='image', interface='public')
    except Exception as error:
        keystone = origin_of(getattr(auth, 'auth_url', None))
        raise Problem('Unread', f"{keystone} gives no token for Glance's own account: {refusal(error)}")
    answer['catalog'] = plain_endpoints([endpoint for group in found.values() for endpoint in group])


def own_configuration(cfg, loading, files, folders):
    """What Glance reads of its account: by its arguments, else by oslo.config's search path; where only the
    image's start script puts the files there, from the folder that it copies."""
    files = [file for file in files if os.path.isfile(file)]
    folders = [folder for folder in folders if os.path.isdir(folder)]
    own = cfg.find_config_files('glance', 'glance-api') if not files and not folders else files
    beside = folders or cfg.find_config_dirs('glance', 'glance-api')
    for tried in ([*wsgi_files(), *own], [file for file in COPIED if os.path.isfile(file)]):
        conf = cfg.ConfigOpts()
        loading.register_auth_conf_options(conf, 'keystone_authtoken')
        loading.register_session_conf_options(conf, 'keystone_authtoken')
        try:
            conf([], project='glance', prog='glance-api', default_config_files=tried, default_config_dirs=beside)
        except cfg.Error as error:
            # The file holds secrets, which an error would quote.
            raise Problem('Unread', f"oslo.config does not take Glance's configuration: {type(error).__name__}")
        if conf.keystone_authtoken.auth_type or conf.keystone_authtoken.auth_section:
            return conf
    return conf


def wsgi_files():
    """The files that Glance reads below a WSGI server (glance/common/wsgi_app.py)."""
    folder = os.environ.get('OS_GLANCE_CONFIG_DIR', '').strip()
    names = os.environ.get('OS_GLANCE_CONFIG_FILES', '').split(';')
    files = [os.path.join(folder or '/etc/glance', name.strip()) for name in names if name.strip()]
    if folder and not files:
        files = [os.path.join(folder, 'glance-api.conf')]
    return [file for file in files if os.path.isfile(file)]


def refusal(error):
    """An error in words that hold nothing of the configuration."""
    status = getattr(error, 'http_status', 0)
    name = type(error).__name__
    return f'{name} ({status})' if status else name


def origin_of(url):
    try:
        parts = urllib.parse.urlsplit(url or '')
        if parts.hostname:
            return f"Keystone at {parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        pass
    return 'Keystone'


def plain_endpoints(endpoints):
    """The first URL of each region, if all are what they should be."""
    published = {}
    for endpoint in endpoints:
        region, url = endpoint.region_name or '', endpoint.url or ''
        if not re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9_. -]{0,63}', region) or not is_plain(url):
            raise Problem('Unread', 'the catalog has a public image endpoint with an odd region or URL')
        published.setdefault(region, url)
    if not published:
        raise Problem('Unread', 'the catalog has no public endpoint of service type image')
    if len(json.dumps(published)) > ROOM:
        raise Problem('Unread', f'the catalog has more public image endpoints, {len(published)}, than an answer can hold')
    return published


def is_plain(url):
    """A web address without user or password."""
    if not re.fullmatch(r'https?://[A-Za-z0-9._~:/%\[\]+-]{1,400}', url):
        return False
    try:
        parts = urllib.parse.urlsplit(url)
        return bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


# --- the user's own [cors] ----------------------------------------------------------------------------

#: Files of the operator, of any release, begin with one of these; a copy under another name, with these words.
OURS = 'zz-direct-upload'
HEADER = 'Written by direct-upload-operator'
#: What may leave: an origin as browsers write it, or nearly so; *; names of headers and methods (RFC 9110).
ORIGIN = re.compile(r'(?:https?://(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?/?|\*)', re.IGNORECASE)
NAME = re.compile(r"[A-Za-z0-9!#%&'*+.^_`|~-]{1,128}")
LISTS = {'allowed_origin': ORIGIN, 'allow_methods': NAME, 'allow_headers': NAME, 'expose_headers': NAME}
#: A larger file is nothing that a person wrote.
FILE = 1 << 20


def own_cors():
    """[cors] as the user's own files set it, in the order in which the CORS filter reads them."""
    try:
        from oslo_config import cfg
    except ImportError as error:
        raise NotHere(str(error))
    try:
        files = cors_files(cfg)
        main = [file for file in files if os.path.basename(file) == 'glance-api.conf']
        behind = files[files.index(main[-1]) + 1:] if main else files
        if sum(os.path.getsize(file) for file in files) > FILE:
            return {'unread': 'TooLarge'}
        found, left = plain_options(cfg, files)
        in_main, behind_it = options_in(cfg, main), options_in(cfg, behind)
    except (cfg.Error, OSError, ValueError):
        # The file may hold secrets, which an error would quote.
        return {'unread': 'Refused'}
    said = {*found, *left}
    return {'set': found, 'left': left, 'beside': sorted(said - in_main | said & behind_it)}


def cors_files(cfg):
    """What the filter reads (oslo_config.cfg.find_config_files and find_config_dirs), without what is ours. What
    only the start script of Kolla's images puts into place is read where it lies."""
    files = cfg.find_config_files('glance', 'glance-api')
    copied = [file for file in COPIED if os.path.isfile(file)][:1]
    if copied:
        files = [file for file in files if os.path.basename(file) != 'glance-api.conf'] + copied
    for folder in cfg.find_config_dirs('glance', 'glance-api'):
        names = sorted(name for name in os.listdir(folder) if name.endswith('.conf') and not name.startswith('.'))
        files += [os.path.join(folder, name) for name in names]
    return [file for file in files if not is_ours(file)]


def is_ours(path):
    if os.path.basename(path).startswith(OURS):
        return True
    with open(path, 'rb') as file:
        return HEADER.encode() in file.read(512)


def parsed(cfg, files):
    conf = cfg.ConfigOpts()
    options = [cfg.ListOpt(name) for name in LISTS]
    conf.register_opts([*options, cfg.BoolOpt('allow_credentials'), cfg.IntOpt('max_age')], group='cors')
    conf([], project='glance', prog='glance-api', default_config_files=files, default_config_dirs=[])
    return conf.cors


def options_in(cfg, files):
    """The options that these files name. What cannot be read is named, too."""
    cors, names = parsed(cfg, files), set()
    for name in [*LISTS, 'allow_credentials', 'max_age']:
        try:
            if cors[name] is not None:
                names.add(name)
        except (cfg.Error, ValueError):
            names.add(name)
    return names


def plain_options(cfg, files):
    """What may leave of each option, and how many values may not."""
    cors, found, left = parsed(cfg, files), {}, {}
    for name in [*LISTS, 'allow_credentials', 'max_age']:
        try:
            value = cors[name]
        except (cfg.Error, ValueError):
            # $name of what is no option of [cors], or no value of its type.
            left[name] = 1
            continue
        if value is None:
            continue
        if name in LISTS:
            items = [item for item in value if item]
            plain = [item for item in items if LISTS[name].fullmatch(item)]
            found[name] = plain
            if len(plain) < len(items):
                left[name] = len(items) - len(plain)
        elif name != 'max_age' or 0 <= value < 1 << 31:
            found[name] = value
        else:
            left[name] = 1
    return found, left


# --- httpd --------------------------------------------------------------------------------------

def check_httpd(path, answer):
    if not os.path.isfile(path):
        raise Problem('NotThere', f'{path} is not in the container although it is mounted there')
    for name in ('apache2ctl', 'apachectl', 'httpd', 'apache2'):
        program = shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/local/sbin:/usr/sbin:/usr/local/apache2/bin')
        if program is None:
            continue
        test = subprocess.run([program, '-t'], capture_output=True, text=True, errors='replace')
        said = test.stderr + test.stdout
        if test.returncode == 0:
            return included(program, path)
        if path in said or os.path.realpath(path) in said:
            raise Problem('Syntax', f'{program} -t refuses {path}: {said}')
        answer['notes'].append(short(f'{program} -t fails, and not at our file: {said}'))
        return None
    answer['notes'].append('the image has no apachectl or httpd that could test the fragment')
    return None


def included(program, path):
    dump = subprocess.run([program, '-t', '-D', 'DUMP_INCLUDES'], capture_output=True, text=True, errors='replace')
    files = [line.split(') ', 1)[-1].strip() for line in dump.stdout.splitlines() if ') ' in line]
    if files and os.path.realpath(path) not in map(os.path.realpath, files):
        raise Problem('NotRead', f'httpd in this image does not include {path}')


# --- the answer ---------------------------------------------------------------------------------

def rehearse(args, answer):
    if args.look:
        snippets_folder(horizon_package(), args.start, answer)
        answer.update(panel_of(load_settings(answer) or {}))
    if args.own_cors:
        answer['cors'] = own_cors()
    if args.catalog:
        ask_catalog(args.config_file, args.config_dir, answer)
    if args.snippet:
        check_snippet(args.snippet, args.direct, args.start, answer)
    if args.cors:
        check_cors(args.cors, answer)
    if args.swift:
        check_swift(args.swift, args.start, answer)
    if args.options:
        check_options(args.options, answer)
    if args.httpd:
        check_httpd(args.httpd, answer)


def main():
    parser = argparse.ArgumentParser(prog='rehearse.py')
    parser.add_argument('--look', action='store_true')
    parser.add_argument('--start', type=json.loads, default=[])
    parser.add_argument('--catalog', action='store_true')
    parser.add_argument('--own-cors', action='store_true')
    parser.add_argument('--config-file', action='append', default=[])
    parser.add_argument('--config-dir', action='append', default=[])
    parser.add_argument('--snippet')
    parser.add_argument('--direct', action='store_true')
    parser.add_argument('--cors')
    parser.add_argument('--swift')
    parser.add_argument('--options')
    parser.add_argument('--httpd')
    args = parser.parse_args()
    answer = {'problem': None, 'notes': [], 'python': sys.version.split()[0]}
    try:
        rehearse(args, answer)
    except NotHere:
        return 3
    except Problem as problem:
        answer['problem'] = {'code': problem.code, 'text': short(problem)}
    answer['notes'] = answer['notes'][:3]
    line = json.dumps(answer)
    if len(line) > WHOLE and 'cors' in answer:
        # All of it or nothing: a part of a list would take the rest away.
        answer['cors'] = {'unread': 'TooLarge'}
        line = json.dumps(answer)
    print(line)
    try:
        with open(ANSWER, 'w', encoding='utf-8') as file:
            file.write(line)
    except OSError as error:
        print(f'{ANSWER}: {error}', file=sys.stderr)
    return 1 if answer['problem'] else 0


if __name__ == '__main__':
    sys.exit(main())
