"""Uploads and downloads that outlast their token: without the operator's files, and with them.

Prints what was seen, a line of JSON for each; fails where that is not what is claimed.
"""

import hashlib
import http.client
import json
import os
import pathlib
import select

import cloud
from cloud import GLANCE, Glance, call, credentials, expired, token, until
from relay import Relay

#: glance_store's megabytes.
SEGMENT = int(os.environ['SWIFT_SEGMENT']) * 1000 * 1024
SEGMENTS = int(os.environ['SWIFT_SEGMENTS'])
#: The store that keeps an image in its owner's account, and the one with an account of Glance's own.
TENANTS, ACCOUNT = os.environ['SWIFT_TENANTS'], os.environ['SWIFT_ACCOUNT']
ACCOUNT_FILE = '/etc/glance/account.conf'


def expire(mine):
    """Waits until this token has expired, and any that Glance has got until now."""
    later = token()
    until('the tokens have expired', lambda: expired(later) and expired(mine))


def upload(name, store, content, outlasting=True):
    """Uploads segment after segment; after the first one it waits until the token has expired."""
    before, trusts = cloud.sizes(), cloud.trusts()
    image = json.loads(call('POST', f'{GLANCE}/v2/images', {
        'name': name, 'disk_format': 'raw', 'container_format': 'bare'}, token())[2])['id']
    mine = token()
    connection = http.client.HTTPConnection('127.0.0.1', 9292, timeout=300 + cloud.LIFETIME)
    connection.putrequest('PUT', f'/v2/images/{image}/file')
    for header, value in (('X-Auth-Token', mine), ('Content-Type', 'application/octet-stream'),
                          ('Content-Length', len(content)), ('X-Image-Meta-Store', store)):
        connection.putheader(header, value)
    connection.endheaders()
    connection.send(content[:SEGMENT])

    def answered():
        return select.select([connection.sock], [], [], 0)[0]

    until('the first segment is in Swift, or Glance has given up', lambda: answered() or any(
        method == 'PUT' and path.endswith('-00001') and status == 201
        for method, path, status, _ in cloud.swift_requests(before['swift-proxy'])))
    if outlasting and not answered():
        expire(mine)
    try:
        connection.send(content[SEGMENT:])
    except OSError:
        pass  # Answered already: the answer tells.
    status = connection.getresponse().status
    shown = json.loads(call('GET', f'{GLANCE}/v2/images/{image}', token=token())[2])
    requests = cloud.swift_requests(before['swift-proxy'])
    seen = {
        'case': f'{store}: {name}', 'bytes': len(content), 'answer': status, 'image': shown['status'],
        'checksum equal': shown.get('os_hash_value') == hashlib.sha512(content).hexdigest(),
        'Swift PUTs 201': sum(m == 'PUT' and s == 201 for m, _, s, _ in requests),
        'tokens in PUTs': len({t for m, _, _, t in requests if m == 'PUT'}),
        'Swift 401s': [m for m, _, s, _ in requests if s == 401],
        'trusts made': cloud.keystone_requests(before['keystone'], 'POST', '/v3/OS-TRUST/trusts'),
        'trusts left': cloud.trusts() - trusts,
    }
    print(json.dumps(seen), flush=True)
    return image, seen


def whole(name, store, content, chunked):
    """Uploads at once, as a browser (which says the length) or as glanceclient (in chunks, whose sum nobody knows)."""
    image = json.loads(call('POST', f'{GLANCE}/v2/images', {
        'name': name, 'disk_format': 'raw', 'container_format': 'bare'}, token())[2])['id']
    before = cloud.sizes()
    connection = http.client.HTTPConnection('127.0.0.1', 9292, timeout=300)
    body = (content[at:at + 65536] for at in range(0, len(content), 65536)) if chunked else content
    connection.request('PUT', f'/v2/images/{image}/file', body, {
        'X-Auth-Token': token(), 'Content-Type': 'application/octet-stream', 'X-Image-Meta-Store': store,
        **({'Transfer-Encoding': 'chunked'} if chunked else {})}, encode_chunked=chunked)
    status = connection.getresponse().status
    shown = json.loads(call('GET', f'{GLANCE}/v2/images/{image}', token=token())[2])
    requests = [status for method, _, status, _ in cloud.swift_requests(before['swift-proxy']) if method == 'PUT']
    seen = {
        'case': f'{store}: {name}', 'bytes': len(content), 'length told': not chunked, 'answer': status,
        'image': shown['status'], 'checksum equal': shown.get('os_hash_value') == hashlib.sha512(content).hexdigest(),
        'Swift PUTs': requests,
    }
    print(json.dumps(seen), flush=True)
    return seen


def download(relay, name, store, image, content):
    """Downloads; in its middle the connection to Swift is held until the token has expired, and cut."""
    before, trusts = cloud.sizes(), cloud.trusts()
    mine = token()
    relay.cut_next_download(SEGMENT + SEGMENT // 2)
    connection = http.client.HTTPConnection('127.0.0.1', 9292, timeout=300 + cloud.LIFETIME)
    connection.request('GET', f'/v2/images/{image}/file', headers={'X-Auth-Token': mine})
    assert relay.held.wait(300), 'no download came to Swift'
    expire(mine)
    relay.release.set()
    answer = connection.getresponse()
    try:
        got = answer.read()
    except http.client.IncompleteRead as error:
        got = error.partial
    except OSError:
        got = b''
    if got == content:  # Swift writes its log a little later.
        until('the rest is in the log', lambda: any(
            m == 'GET' and s == 206 for m, _, s, _ in cloud.swift_requests(before['swift-proxy'])))
    requests = cloud.swift_requests(before['swift-proxy'])
    seen = {
        'case': f'{store}: {name}', 'answer': answer.status, 'bytes': len(got), 'of': len(content), 'equal': got == content,
        'Swift GETs of the image': [s for m, p, s, _ in requests if m == 'GET' and p.endswith(image)],
        'tokens in them': len({t for m, p, _, t in requests if m == 'GET' and p.endswith(image)}),
        'Swift 401s': [m for m, _, s, _ in requests if s == 401],
        'trusts made': cloud.keystone_requests(before['keystone'], 'POST', '/v3/OS-TRUST/trusts'),
        'trusts left': cloud.trusts() - trusts,
    }
    print(json.dumps(seen), flush=True)
    return seen


def read(name, store, image, content):
    """Downloads without further ado."""
    try:
        status, _, got = call('GET', f'{GLANCE}/v2/images/{image}/file', token=token())
    except http.client.RemoteDisconnected:
        status, got = None, b''  # Glance has ended the connection.
    print(json.dumps({'case': f'{store}: {name}', 'answer': status, 'equal': got == content}), flush=True)
    return status, got == content


def without(files, option):
    return {path: ''.join(line for line in text.splitlines(True) if not line.startswith(option))
            for path, text in files.items()}


def main():
    relay = Relay()
    cloud.keystone()
    cloud.swift()
    content = os.urandom(SEGMENTS * SEGMENT)
    ours = cloud.mounted({'glance-swift': {'swift.conf': credentials(TENANTS), 'account.conf': credentials(ACCOUNT)}})
    own = credentials(TENANTS) + credentials(ACCOUNT)
    print(json.dumps({path: text for path, text in ours.items() if 'credentials' not in path}), flush=True)
    release = cloud.release('glance_store')
    print(json.dumps({'glance_store': release, 'token lives': cloud.LIFETIME}), flush=True)

    uploads, downloads = {}, {}

    def outlast(case, store):
        image, uploads[case, store] = upload(case, store, content)
        return image

    with Glance('with', ours):
        images = {store: outlast('with', store) for store in (TENANTS, ACCOUNT)}
        for store, image in images.items():
            downloads['retries', store] = download(relay, 'download with retries', store, image, content)
        # Nearly every image ends within a segment.
        ragged = content + os.urandom(1000)
        for store in images:
            for chunked in (False, True):
                uploads['ragged', store, chunked] = whole('last segment is short', store, ragged, chunked)
    # Not split, it is one request of the size that is announced.
    with Glance('raised', ours, ''.join(f'[{store}]\nswift_store_large_object_size = 100\n' for store in images)):
        for store in images:
            uploads['raised', store] = whole('the size above is not split', store, ragged, False)
    with Glance('no-retry', {path: text.replace('get_count = 3', 'get_count = 0') for path, text in ours.items()}):
        for store, image in images.items():
            downloads['no retries', store] = download(relay, 'download without retries', store, image, content)
    with Glance('without', {}, own):
        for store in images:
            outlast('without', store)
            read('download of what was kept with ours', store, images[store], content)
    with Glance('no-reference', without(ours, 'default_swift_reference')):
        outlast('without default_swift_reference', TENANTS)
    # Credentials in a file of the user's own, which `spec.swift` leaves alone.
    file = {ACCOUNT_FILE: '[ref1]\nauth_address = http://127.0.0.1:5000/v3\nuser = service:glance\nkey = glance\n'}
    own = f'{credentials(TENANTS)}[{ACCOUNT}]\nswift_store_config_file = {ACCOUNT_FILE}\n'
    ours = {path: text for path, text in ours.items() if not path.endswith(f'credentials-{ACCOUNT}.conf')}
    for case, files, named in (('file', {}, ''), ('file and ours', ours, ''),
                               ('file, ours, reference named', ours, 'default_swift_reference = ref1\n')):
        with Glance(case.replace(' ', '-'), {**file, **files}, own + named):
            image, uploads[case, ACCOUNT] = upload(case, ACCOUNT, content, outlasting=False)
            downloads[case] = read(f'download with {case}', ACCOUNT, image, content)

    for store in images:
        assert arrived(uploads['with', store]) and 'PUT' not in uploads['with', store]['Swift 401s'], store
        assert downloads['retries', store]['equal'] and not downloads['no retries', store]['equal'], store
    for case in 'without', 'without default_swift_reference':
        assert not arrived(uploads[case, TENANTS]) and 'PUT' in uploads[case, TENANTS]['Swift 401s'], case
    for store in images:
        told = uploads['ragged', store, False]
        assert not arrived(told) and told['Swift PUTs'][-1] in (408, 499), store
        assert arrived(uploads['ragged', store, True]) and uploads['ragged', store, True]['answer'] == 204, store
        raised = uploads['raised', store]
        assert arrived(raised) and raised['answer'] == 204 and raised['Swift PUTs'][-1] == 201, store
    # Only this one has no interval, where none is said.
    assert arrived(uploads['without', ACCOUNT]) == (release != '5.4.0')
    assert arrived(uploads['file and ours', ACCOUNT]) and not downloads['file and ours'][1]
    assert downloads['file, ours, reference named'] == (200, True)


def arrived(seen):
    return seen['image'] == 'active' and seen['checksum equal']


if __name__ == '__main__':
    cloud.prove(main)
