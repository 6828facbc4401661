"""What a canary needs: a credential of its own, and its fields in the spec."""

import json

KEYSTONE = 'keystone.cloud.test'
# What docs/canary.md tells administrators to allow.
RULES = [{'service': 'image', 'method': method, 'path': path} for method, path in (
    ('GET', '/v2/images'), ('POST', '/v2/images'), ('GET', '/v2/images/*'), ('DELETE', '/v2/images/*'),
    ('PUT', '/v2/images/*/file'))]
# One upload a minute; two minutes after one that did not pass; two that fail are a verdict.
PASSED, REFUSED = 240, 600


def keep_credential(cloud, secret, credential):
    id, value = credential
    cloud.apply('-f', '-', input=json.dumps({
        'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': secret}, 'stringData': {
            'authURL': f'https://{KEYSTONE}/v3', 'id': id, 'secret': value,
            'ca.crt': cloud.edge.authority.certificate.read_text()}}))


def canary(**more):
    return {'canary': {'credentialSecretRef': {'name': 'direct-upload-canary'}, 'interval': '1m', 'pace': '10s',
                       'size': 65536, **more}}
