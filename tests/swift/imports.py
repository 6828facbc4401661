"""Images that users put into their own Swift account, imported from there and exported through it.

Prints what was seen, a line of JSON for each; fails where that is not what is claimed.
"""

import http.client
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import urllib.parse

import cloud
from cloud import GLANCE, KEYSTONE, LOGS, SWIFT, Glance, call, run, token, until
from relay import Relay

TENANTS, ACCOUNT = os.environ['SWIFT_TENANTS'], os.environ['SWIFT_ACCOUNT']
#: Two names of one server: only the name tells the regions apart.
REGION, OTHER = (f'swift.region-{number}.example.com' for number in ('one', 'two'))
ADDRESS = '203.0.113.10'
PORTAL = 'https://portal.example.com'
#: Signs URLs of the user's container.
KEY = 'a-key-of-the-container'
CONTAINER = 'images'
WORK = pathlib.Path('/var/tmp/prove')
SCHEMA = '/var/lib/glance/glance.db'


def say(case, **seen):
    print(json.dumps({'case': case, **seen}), flush=True)
    return seen


def client(*command):
    """A user's own command, with the credentials of the project `demo`. It has no standard input: glance would take
    one that is no terminal for the image's data."""
    environ = {**os.environ, 'OS_AUTH_URL': f'{KEYSTONE}/v3', 'OS_USERNAME': 'demo', 'OS_PASSWORD': 'demo',
               'OS_PROJECT_NAME': 'demo', 'OS_USER_DOMAIN_NAME': 'Default', 'OS_PROJECT_DOMAIN_NAME': 'Default',
               'OS_IDENTITY_API_VERSION': '3'}
    name, *arguments = command
    done = subprocess.run(['sh', '-c', 'exec "$0" "$@" <&-', f'/var/lib/openstack/bin/{name}', *arguments],
                          env=environ, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def account(subject):
    """The Swift account of a token's project."""
    shown = call('GET', f'{KEYSTONE}/v3/auth/tokens', token=subject, headers={'X-Subject-Token': subject})[2]
    return f'/v1/AUTH_{json.loads(shown)["token"]["project"]["id"]}'


def signed(method, path, seconds=3600, host=REGION):
    """The URL that `swift tempurl` signs, below the store's public name."""
    return f'http://{host}:{SWIFT}{client("swift", "tempurl", method, str(seconds), path, KEY).decode().strip()}'


def send(method, url, headers, body=None):
    """Status, headers and body; the name in the URL leads to Swift."""
    parsed = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parsed.hostname, parsed.port, timeout=60)
    connection.request(method, f'{parsed.path}?{parsed.query}', body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def browser(origin, method, url, body=None):
    """What a page's `fetch` with a body of bytes gets: an answer, or nothing where the browser refuses."""
    kind = 'application/octet-stream'
    status, headers, _ = send('OPTIONS', url, {
        'Origin': origin, 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': 'content-type'})
    listed = {name: {item.strip().lower() for item in (headers[f'Access-Control-Allow-{name}'] or '').split(',')}
              for name in ('Methods', 'Headers')}
    if not (200 <= status < 300 and headers['Access-Control-Allow-Origin'] == origin
            and method.lower() in listed['Methods'] and 'content-type' in listed['Headers']):
        return 'preflight refused'
    status, headers, _ = send(method, url, {'Origin': origin, 'Content-Type': kind}, body)
    return status if headers['Access-Control-Allow-Origin'] == origin else 'answer hidden'


def shown(image, subject=None):
    return json.loads(call('GET', f'{GLANCE}/v2/images/{image}', token=subject or token())[2])


def create(name):
    status, _, body = call('POST', f'{GLANCE}/v2/images', {
        'name': name, 'disk_format': 'qcow2', 'container_format': 'bare'}, token())
    assert status == 201, body
    return json.loads(body)['id']


def ended(image):
    """The image after its import, whatever became of it. Only then has no task an import of it under way."""
    def condition():
        found = shown(image)
        busy = found['status'] in ('queued', 'importing') or found.get('os_glance_importing_to_stores')
        return None if busy and not found.get('os_glance_failed_import') else found
    return until(f'the import of {image} has ended', condition, 180)


def imported(name, uri, *options):
    """The user's own command, and the image that it leads to."""
    text = client('glance', 'image-create-via-import', '--import-method', 'web-download', '--uri', uri, '--name', name,
                  '--disk-format', 'qcow2', '--container-format', 'bare', *options).decode()
    return ended(re.search(r'\| id +\| (\S+)', text)[1])


def data(image):
    status, _, body = call('GET', f'{GLANCE}/v2/images/{image}/file', token=token())
    assert status == 200, body
    return body


def judge(case, found, expected, **more):
    """A converted image: raw, with the property of the plugin, byte for byte what qemu-img itself makes of it."""
    return say(case, status=found['status'], disk_format=found['disk_format'], property=found.get('hw_disk_bus'),
               stores=sorted(found.get('stores', '').split(',')), equal=data(found['id']) == expected, **more)


CONVERTED = {'status': 'active', 'disk_format': 'raw', 'property': 'scsi', 'equal': True}


def holds(seen, **more):
    expected = {**CONVERTED, **more}
    assert {key: seen[key] for key in expected} == expected, (seen, expected)


def files():
    """A qcow2 of noise and of nothing, and the raw image that qemu-img makes of it."""
    WORK.mkdir(parents=True)
    (WORK / 'source.raw').write_bytes(os.urandom(8 << 20) + bytes(4 << 20))
    run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', str(WORK / 'source.raw'), str(WORK / 'disk.qcow2'))
    run('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', str(WORK / 'disk.qcow2'), str(WORK / 'expected.raw'))
    return (WORK / 'disk.qcow2').read_bytes(), (WORK / 'expected.raw').read_bytes()


def from_a_page(path, qcow2):
    """A page of another origin puts the file into the user's container: no token of Keystone, only a signed URL."""
    client('swift', 'post', CONTAINER, '-H', f'X-Container-Meta-Temp-URL-Key: {KEY}')
    url = signed('PUT', path)
    seen = {'before': browser(PORTAL, 'PUT', url, qcow2)}
    client('swift', 'post', CONTAINER, '-H', f'X-Container-Meta-Access-Control-Allow-Origin: {PORTAL}')
    seen.update({
        'another origin': browser('https://elsewhere.example.com', 'PUT', url, qcow2),
        'no signature': browser(PORTAL, 'PUT', url.split('?')[0], qcow2),
        'signature of another object': browser(PORTAL, 'PUT', url.replace(path, f'{path}.2'), qcow2),
        'expired signature': browser(PORTAL, 'PUT', signed('PUT', path, seconds=0), qcow2),
        'signed': browser(PORTAL, 'PUT', url, qcow2),
    })
    say('a page puts an object by TempURL', **seen)
    assert seen == {
        # Swift's tempurl refuses without a CORS header: the page gets only an error of the network.
        'before': 'preflight refused', 'another origin': 'preflight refused', 'no signature': 401,
        'signature of another object': 'answer hidden', 'expired signature': 'answer hidden', 'signed': 201}


def refused(path):
    """What the filter lets nobody import; and that there is no way round it."""
    image = create('refused')
    right = signed('GET', path)
    asked = {
        'another region': signed('GET', path, host=OTHER),
        'its address': right.replace(REGION, ADDRESS),
        'another port': right.replace(f':{SWIFT}', ':9292'),
        'another scheme': right.replace('http:', 'https:'),
        'a name that ends in the right one': right.replace(REGION, f'x.{REGION}'),
        'the right name as a user': right.replace(REGION, f'{REGION}@{OTHER}'),
    }
    seen = {}
    for case, uri in asked.items():
        status, _, body = call('POST', f'{GLANCE}/v2/images/{image}/import', {
            'method': {'name': 'web-download', 'uri': uri}}, token())
        seen[case] = status
        assert b'filter' in body, body
    seen['PUT of the data'] = call('PUT', f'{GLANCE}/v2/images/{image}/file', token=token(), headers={
        'Content-Type': 'application/octet-stream'})[0]
    seen['staging of the data'] = call('POST', f'{GLANCE}/v2/images/{image}/import', {
        'method': {'name': 'glance-direct'}}, token())[0]
    say('refused', image=shown(image)['status'], **seen)
    assert seen == {**dict.fromkeys(asked, 400), 'PUT of the data': 403, 'staging of the data': 400}
    assert shown(image)['status'] == 'queued'


def kept(uri):
    """Where Glance keeps the signature, which is a secret until it expires."""
    secret = re.search(r'temp_url_sig=(\w+)', uri)[1]
    with sqlite3.connect(f'file:{SCHEMA}?mode=ro', uri=True) as database:
        tasks = database.execute('SELECT count(*) FROM task_info WHERE input LIKE ?', (f'%{secret}%',)).fetchone()[0]
    return {'tasks with the signature': tasks, 'log has it': secret in (LOGS / 'glance-imports.log').read_text()}


def task(image):
    """The state of an image's last task, and its message, once it has ended."""
    def condition():
        tasks = json.loads(call('GET', f'{GLANCE}/v2/images/{image}/tasks', token=token())[2])['tasks']
        last = max(tasks, key=lambda task: task['created_at'])
        return (last['status'], last['message']) if last['status'] in ('success', 'failure') else None
    return until('the task has ended', condition, 180)


def copied(image, store):
    """`copy-image` by the image's owner: what becomes of the task, and where the image is then."""
    status, _, body = call('POST', f'{GLANCE}/v2/images/{image}/import', {
        'method': {'name': 'copy-image'}, 'stores': [store]}, token())
    assert status == 202, body
    return [task(image)[0], sorted(shown(image)['stores'].split(','))]


def service():
    return token('glance', 'glance', 'service')


def exported(image, home, expected):
    """The image's own object, where the store keeps it in the owner's account; and a copy that works with each store."""
    own = f'glance_{image}'
    client('swift', 'post', own, '-H', f'X-Container-Meta-Temp-URL-Key: {KEY}')
    url = signed('GET', f'{home}/{own}/{image}')
    seen = {'object itself': send('GET', url, {}), 'its signature for a PUT': send('PUT', url, {}, b'x'),
            'no signature': send('GET', url.split('?')[0], {})}
    run('sh', '-c', f'cat /dev/null >{WORK}/export.raw')
    client('glance', 'image-download', '--file', 'export.raw', image)
    client('swift', 'upload', '--segment-size', '4M', '--segment-container', CONTAINER, CONTAINER, 'export.raw')
    copy = signed('GET', f'{home}/{CONTAINER}/export.raw')
    seen['copy'] = send('GET', copy, {})
    seen['copy, another origin reads it'] = (browser(PORTAL, 'GET', copy), None, None)
    seen = {case: {'status': status, **({'equal': body == expected} if body is not None else {})}
            for case, (status, _, body) in seen.items()}
    say('export', **seen)
    assert all(seen[case] == {'status': 200, 'equal': True} for case in ('object itself', 'copy')), seen
    assert all(seen[case]['status'] == 401 for case in ('its signature for a PUT', 'no signature')), seen
    assert seen['copy, another origin reads it']['status'] == 200, seen
    return shown(image)['status']


def main():
    names = ' '.join(f'{name} {name}.' for name in (REGION, OTHER, f'x.{REGION}'))
    pathlib.Path('/etc/hosts').write_text(f'127.0.0.1 localhost\n{ADDRESS} {names}\n')
    relay = Relay()
    cloud.keystone()
    cloud.swift()
    qcow2, expected = files()
    home, accounts = account(token()), account(service())
    ours = cloud.mounted({'glance-swift': {
        'swift.conf': cloud.credentials(TENANTS), 'account.conf': cloud.credentials(ACCOUNT)}})
    print(json.dumps({path: text for path, text in ours.items() if 'credentials' not in path}), flush=True)
    print(json.dumps({name: cloud.release(name) for name in ('glance', 'glance_store')}), flush=True)
    parallel = int(cloud.release('glance').split('.')[0]) >= 33
    own = ''.join(f'[os_glance_{name}_store]\nfilesystem_store_datadir = /var/lib/glance/own/{name}\n'
                  for name in ('tasks', 'staging'))

    path = f'{home}/{CONTAINER}/page.qcow2'
    from_a_page(path, qcow2)
    client('swift', 'upload', '--segment-size', '4M', '--segment-container', CONTAINER, CONTAINER, 'disk.qcow2')

    with Glance('imports', ours, own):
        refused(path)
        uri = signed('GET', path)
        first = imported('from a page', uri)
        holds(judge('import of the page\'s object', first, expected, **kept(uri)), stores=[TENANTS])
        segments = imported('segments', signed('GET', f'{home}/{CONTAINER}/disk.qcow2'), '--store', ACCOUNT)
        holds(judge('import of an object in segments', segments, expected), stores=[ACCOUNT])
        late = imported('late', signed('GET', path, seconds=0))
        outcome, message = task(late['id'])
        say('import after the URL has expired', status=late['status'], task=outcome, message=message)
        assert (late['status'], outcome) == ('queued', 'failure'), late

        relay.meet_puts(20)
        both = imported('both', uri, '--stores', f'{TENANTS},{ACCOUNT}')
        inside = call('GET', f'http://127.0.0.1:{SWIFT}{accounts}/{ACCOUNT}/{both["id"]}', token=service())
        holds(judge('import to two stores', both, expected, **{
            'at the same time': relay.met, 'the second equal': inside[2] == expected}),
            stores=sorted((TENANTS, ACCOUNT)), **{'at the same time': parallel, 'the second equal': True})

        # Glance reads the source without the user's token, and a multi-tenant store needs one.
        everywhere = sorted((TENANTS, ACCOUNT))
        copies = {'out of the multi-tenant store': copied(first['id'], ACCOUNT), 'into it': copied(segments['id'], TENANTS)}
        holds(judge('copy-image', shown(segments['id']), expected, **copies), stores=everywhere,
              **{'out of the multi-tenant store': ['failure', [TENANTS]], 'into it': ['success', everywhere]})
        assert exported(first['id'], home, expected) == 'active'

    # A Glance that restricts ports alone fetches from each region, and converts nothing.
    with Glance('without', {}, own + ''.join(map(cloud.credentials, (TENANTS, ACCOUNT)))
                + f'[import_filtering_opts]\nallowed_ports = [{SWIFT}]\n'):
        found = imported('from anywhere', signed('GET', path, host=OTHER), '--store', ACCOUNT)
        say('without the operator\'s file: another region', status=found['status'], disk_format=found['disk_format'])
        assert (found['status'], found['disk_format']) == ('active', 'qcow2'), found


if __name__ == '__main__':
    cloud.prove(main)
