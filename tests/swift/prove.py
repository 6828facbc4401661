"""Uploads and downloads that outlast their token: without the operator's files, and with them.

Prints what was seen, a line of JSON for each; fails where that is not what is claimed.
"""

import hashlib
import http.client
import json
import os
import pathlib
import traceback

import cloud
from cloud import GLANCE, HERE, LOGS, Glance, call, expired, token, until
from relay import Relay

#: glance_store's megabyte.
SEGMENT = 1000 * 1024
SEGMENTS = 3
CREDENTIALS = '''
[tenants]
swift_store_auth_address = http://127.0.0.1:5000/v3
swift_store_user = service:glance
swift_store_key = glance
'''


def mounted():
    """Path → text of what the rendered workload has mounted of ours, as the kubelet would."""
    objects = json.loads((HERE / 'rendered.json').read_text())
    objects = objects['items'] if isinstance(objects, dict) else objects
    data = {(o['kind'], o['metadata']['name']): o.get('data') or o.get('stringData') for o in objects}
    # The Secret is the user's: it is in the input, and nobody but the kubelet reads it.
    data['Secret', 'glance-swift'] = {'swift.conf': CREDENTIALS}
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


def expire(mine):
    """Waits until this token has expired, and any that Glance has got until now."""
    later = token()
    until('the tokens have expired', lambda: expired(later) and expired(mine))


def upload(name, content):
    """Uploads segment after segment; after the first one it waits until the token has expired."""
    before, trusts = cloud.sizes(), cloud.trusts()
    image = json.loads(call('POST', f'{GLANCE}/v2/images', {
        'name': name, 'disk_format': 'raw', 'container_format': 'bare'}, token())[2])['id']
    mine = token()
    connection = http.client.HTTPConnection('127.0.0.1', 9292, timeout=300)
    connection.putrequest('PUT', f'/v2/images/{image}/file')
    for header, value in (('X-Auth-Token', mine), ('Content-Type', 'application/octet-stream'),
                          ('Content-Length', len(content))):
        connection.putheader(header, value)
    connection.endheaders()
    connection.send(content[:SEGMENT])
    until('the first segment is in Swift', lambda: any(
        method == 'PUT' and path.endswith('-00001') and status == 201
        for method, path, status, _ in cloud.swift_requests(before['swift-proxy'])))
    expire(mine)
    try:
        connection.send(content[SEGMENT:])
    except OSError:
        pass  # Answered already: the answer tells.
    status = connection.getresponse().status
    shown = json.loads(call('GET', f'{GLANCE}/v2/images/{image}', token=token())[2])
    requests = cloud.swift_requests(before['swift-proxy'])
    seen = {
        'case': name, 'bytes': len(content), 'answer': status, 'image': shown['status'],
        'checksum equal': shown.get('os_hash_value') == hashlib.sha512(content).hexdigest(),
        'Swift PUTs 201': sum(m == 'PUT' and s == 201 for m, _, s, _ in requests),
        'tokens in PUTs': len({t for m, _, _, t in requests if m == 'PUT'}),
        'Swift 401s': [m for m, _, s, _ in requests if s == 401],
        'trusts made': cloud.keystone_requests(before['keystone'], 'POST', '/v3/OS-TRUST/trusts'),
        'trusts left': cloud.trusts() - trusts,
    }
    print(json.dumps(seen), flush=True)
    return image, seen


def download(relay, name, image, content):
    """Downloads; in its middle the connection to Swift is held until the token has expired, and cut."""
    before, trusts = cloud.sizes(), cloud.trusts()
    mine = token()
    relay.cut_next_download(SEGMENT + SEGMENT // 2)
    connection = http.client.HTTPConnection('127.0.0.1', 9292, timeout=300)
    connection.request('GET', f'/v2/images/{image}/file', headers={'X-Auth-Token': mine})
    assert relay.held.wait(120), 'no download came to Swift'
    expire(mine)
    relay.release.set()
    answer = connection.getresponse()
    try:
        got = answer.read()
    except http.client.IncompleteRead as error:
        got = error.partial
    except OSError:
        got = b''
    requests = cloud.swift_requests(before['swift-proxy'])
    seen = {
        'case': name, 'answer': answer.status, 'bytes': len(got), 'of': len(content), 'equal': got == content,
        'Swift GETs of the image': [s for m, p, s, _ in requests if m == 'GET' and p.endswith(image)],
        'tokens in them': len({t for m, p, _, t in requests if m == 'GET' and p.endswith(image)}),
        'Swift 401s': [m for m, _, s, _ in requests if s == 401],
        'trusts made': cloud.keystone_requests(before['keystone'], 'POST', '/v3/OS-TRUST/trusts'),
        'trusts left': cloud.trusts() - trusts,
    }
    print(json.dumps(seen), flush=True)
    return seen


def without(files, option):
    return {path: ''.join(line for line in text.splitlines(True) if not line.startswith(option))
            for path, text in files.items()}


def main():
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ.update(PATH='/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG='C.UTF-8')
    relay = Relay()
    cloud.keystone()
    cloud.swift()
    content = os.urandom(SEGMENTS * SEGMENT)
    ours = mounted()
    print(json.dumps({path: text for path, text in ours.items() if 'credentials' not in path}), flush=True)

    with Glance('with', ours):
        image, with_files = upload('upload with', content)
        retried = download(relay, 'download with retries', image, content)
    with Glance('no-retry', {path: text.replace('get_count = 3', 'get_count = 0') for path, text in ours.items()}):
        unretried = download(relay, 'download without retries', image, content)
    with Glance('without', {}, CREDENTIALS):
        _, without_files = upload('upload without', content)
    with Glance('no-reference', without(ours, 'default_swift_reference')):
        _, no_reference = upload('upload without default_swift_reference', content)

    for seen in without_files, no_reference:
        assert seen['image'] != 'active' and 'PUT' in seen['Swift 401s'], seen
    assert with_files['image'] == 'active' and with_files['checksum equal'], with_files
    assert 'PUT' not in with_files['Swift 401s'], with_files
    assert retried['equal'] and not unretried['equal'], (retried, unretried)


if __name__ == '__main__':
    try:
        main()
    except Exception:
        traceback.print_exc()
        raise SystemExit(1)
