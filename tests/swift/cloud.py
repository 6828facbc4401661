"""Starts Keystone, Swift and Glance in this system, gives Glance what `render` printed, and says what they did by
their own logs."""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
LOGS = pathlib.Path('/var/log/prove')
LIFETIME = int(os.environ['SWIFT_TOKEN_LIFETIME'])
KEYSTONE, GLANCE = 'http://127.0.0.1:5000', 'http://127.0.0.1:9292'
#: The catalog leads to a relay before Swift (relay.py).
SWIFT, RELAYED = 8080, 8090
STORAGE = {'object': 6200, 'container': 6201, 'account': 6202}
DROP_INS, POLICIES = pathlib.Path('/etc/glance/glance.conf.d'), pathlib.Path('/etc/glance/policy.d')
UWSGI = ['uwsgi', '--plugins=python3', '--master', '--die-on-term', '--lazy-apps', '--enable-threads',
         '--processes=1', '--threads=4', '--buffer-size=65535', '--add-header=Connection: close']


def prove(main):
    """Runs a program of this folder in this system."""
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ.update(PATH='/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG='C.UTF-8')
    main()


def call(method, url, body=None, token=None, headers=()):
    """Status, headers and body of an answer, whatever it is."""
    headers = {'Content-Type': 'application/json', **dict(headers)}
    if token:
        headers['X-Auth-Token'] = token
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def until(what, condition, seconds=180 + LIFETIME):
    """Waits for a condition; the time is only a bound."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f'{what}: not within {seconds} s'
        time.sleep(0.5)
    return found


def answers(url):
    def condition():
        try:
            return call('GET', url)[0] < 500
        except OSError:
            return False
    return condition


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f'{command}: {done.stdout[-3000:]}'
    return done.stdout


def release(package):
    """Of a package in Glance's virtual environment."""
    return run('/var/lib/openstack/bin/python', '-c', f'import importlib.metadata as m; print(m.version("{package}"))').strip()


def credentials(store):
    """Of Glance's own account, for one store: a piece of configuration."""
    return f'''
[{store}]
swift_store_auth_address = http://127.0.0.1:5000/v3
swift_store_user = service:glance
swift_store_key = glance
'''


def mounted(secrets):
    """Path → text of what the rendered workload has mounted of ours, as the kubelet would. Secrets (name → keys) are
    the user's: they are in the input, and nobody but the kubelet reads them."""
    objects = json.loads((HERE / 'rendered.json').read_text())
    objects = objects['items'] if isinstance(objects, dict) else objects
    data = {(o['kind'], o['metadata']['name']): o.get('data') or o.get('stringData') for o in objects}
    data.update({('Secret', name): keys for name, keys in secrets.items()})
    pod = next(o for o in objects if o['kind'] == 'Deployment')['spec']['template']['spec']
    volumes = {volume['name']: volume for volume in pod['volumes']}
    files = {}
    for mount in pod['containers'][0]['volumeMounts']:
        volume = volumes[mount['name']]
        name = (('ConfigMap', volume['configMap']['name']) if 'configMap' in volume
                else ('Secret', volume['secret']['secretName']))
        if mount['name'].startswith('direct-upload'):
            files[mount['mountPath']] = data[name][mount['subPath']]
    return files


def start(name, *command):
    with open(LOGS / f'{name}.log', 'ab') as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def token(user='demo', password='demo', project='demo'):
    scope = {'project': {'name': project, 'domain': {'id': 'default'}}}
    identity = {'methods': ['password'], 'password': {
        'user': {'name': user, 'domain': {'id': 'default'}, 'password': password}}}
    status, headers, body = call('POST', f'{KEYSTONE}/v3/auth/tokens', {'auth': {'identity': identity, 'scope': scope}})
    assert status == 201, (status, body)
    return headers['X-Subject-Token']


def admin():
    return token('admin', 'secret', 'admin')


def expired(subject):
    """Whether Keystone no longer takes a token, not even to speak of itself."""
    return call('GET', f'{KEYSTONE}/v3/auth/tokens', token=subject, headers={'X-Subject-Token': subject})[0] == 401


def concurrent(database):
    """Lets readers read while somebody writes."""
    with sqlite3.connect(database) as connection:
        connection.execute('PRAGMA journal_mode = WAL')


def keystone():
    shutil.copy(HERE / 'etc/keystone.conf', '/etc/keystone/keystone.conf')
    os.makedirs('/var/lib/keystone', exist_ok=True)
    run('keystone-manage', 'db_sync')
    concurrent('/var/lib/keystone/keystone.db')
    for what in ('fernet_setup', 'credential_setup'):
        run('keystone-manage', what, '--keystone-user', 'keystone', '--keystone-group', 'keystone')
    run('keystone-manage', 'bootstrap', '--bootstrap-password', 'secret', '--bootstrap-region-id', 'RegionOne',
        '--bootstrap-internal-url', f'{KEYSTONE}/v3', '--bootstrap-public-url', f'{KEYSTONE}/v3')
    run('chown', '-R', 'keystone:keystone', '/etc/keystone', '/var/lib/keystone')
    (LOGS / 'keystone.log').touch(0o666)
    start('keystone', *UWSGI, '--http-socket=127.0.0.1:5000', '--wsgi-file=/usr/bin/keystone-wsgi-public',
          '--uid=keystone', '--gid=keystone')
    until('Keystone', answers(f'{KEYSTONE}/v3'))
    fill()


def create(path, kind, body):
    status, _, answer = call('POST', f'{KEYSTONE}/v3/{path}', {kind: body}, admin())
    assert status == 201, (path, status, answer)
    return json.loads(answer)[kind]['id']


def fill():
    roles = {r['name']: r['id'] for r in json.loads(call('GET', f'{KEYSTONE}/v3/roles', token=admin())[2])['roles']}
    projects = {name: create('projects', 'project', {'name': name, 'domain_id': 'default'}) for name in ('service', 'demo')}
    for user, project, role in (('glance', 'service', 'admin'), ('swift', 'service', 'admin'), ('demo', 'demo', 'member')):
        made = create('users', 'user', {'name': user, 'password': user, 'domain_id': 'default'})
        status, _, body = call(
            'PUT', f'{KEYSTONE}/v3/projects/{projects[project]}/users/{made}/roles/{roles[role]}', token=admin())
        assert status == 204, (status, body)
    for kind, url in (('image', GLANCE), ('object-store', f'http://127.0.0.1:{RELAYED}/v1/AUTH_%(project_id)s')):
        service = create('services', 'service', {'type': kind, 'name': kind})
        for interface in ('public', 'internal'):
            create('endpoints', 'endpoint', {
                'service_id': service, 'interface': interface, 'url': url, 'region_id': 'RegionOne'})


def swift():
    etc = pathlib.Path('/etc/swift')
    etc.mkdir(exist_ok=True)
    os.makedirs('/srv/node/d1', exist_ok=True)
    for file in ('swift.conf', 'proxy-server.conf'):
        shutil.copy(HERE / 'etc' / file, etc)
    os.chdir(etc)
    template = (HERE / 'etc/storage-server.conf').read_text()
    for kind, port in STORAGE.items():
        (etc / f'{kind}-server.conf').write_text(template.replace('KIND', kind).replace('PORT', str(port)))
        run('swift-ring-builder', f'{kind}.builder', 'create', '4', '1', '1')
        run('swift-ring-builder', f'{kind}.builder', 'add', f'r1z1-127.0.0.1:{port}/d1', '1')
        run('swift-ring-builder', f'{kind}.builder', 'rebalance')
    run('chown', '-R', 'swift:swift', '/etc/swift', '/srv/node')
    def serve(kind):
        start(f'swift-{kind}', f'swift-{kind}-server', f'/etc/swift/{kind}-server.conf', '-v')

    # A proxy that finds nobody there shuns them for a minute.
    for kind, port in STORAGE.items():
        serve(kind)
        until(kind, answers(f'http://127.0.0.1:{port}/recon/version'))
    serve('proxy')
    until('Swift', answers(f'http://127.0.0.1:{SWIFT}/healthcheck'))


class Glance:
    """Glance with some files beside its own glance-api.conf; a new one for each set of files."""

    def __init__(self, name, files, own=''):
        for folder in (DROP_INS, POLICIES):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        os.makedirs('/var/lib/glance', exist_ok=True)
        pathlib.Path('/etc/glance/glance-api.conf').write_text((HERE / 'etc/glance-api.conf').read_text() + own)
        for path, text in files.items():
            pathlib.Path(path).write_text(text)
        run('/var/lib/openstack/bin/glance-manage', 'db_sync')
        concurrent('/var/lib/glance/glance.db')
        # A body that comes slowly is read for as long as it comes.
        self.process = start(f'glance-{name}', *UWSGI, '--http-socket=127.0.0.1:9292', '--virtualenv=/var/lib/openstack',
                             '--module=glance.wsgi.api:application', f'--socket-timeout={600 + LIFETIME}')
        until('Glance', answers(f'{GLANCE}/versions'))
        # What is only done once is done now: a token's life shall be the upload's.
        until('Glance with a token', lambda: call('GET', f'{GLANCE}/v2/images', token=token())[0] == 200)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


def swift_requests(since):
    """(method, path, status, beginning of the token) of what came to Swift's proxy since an offset of its
    log."""
    text = (LOGS / 'swift-proxy.log').read_text(errors='replace')[since:]
    return [(method, path, int(status), subject) for method, path, status, subject in
            re.findall(r'\b(GET|HEAD|PUT|POST|DELETE) (/v1/\S+) HTTP/1\.[01] (\d{3}) \S+ \S+ (\S+)', text)]


def keystone_requests(since, method, path):
    text = (LOGS / 'keystone.log').read_text(errors='replace')[since:]
    return len(re.findall(rf'\] {method} {path} ', text))


def sizes():
    return {name: len((LOGS / f'{name}.log').read_text(errors='replace')) for name in ('swift-proxy', 'keystone')}


def trusts():
    """How many trusts nobody has revoked."""
    with sqlite3.connect('file:/var/lib/keystone/keystone.db?mode=ro', uri=True) as database:
        return database.execute('SELECT count(*) FROM trust WHERE deleted_at IS NULL').fetchone()[0]
