import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recognizedRights } from './kubelet-request.ts';
import type { RequestFacts } from './request-content.ts';
import { API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, SIGNER_RULES } from './signer-rules.ts';

const NODE: RequestFacts = {
  ...{ commonName: 'system:node:a', organizations: ['system:nodes'] },
  ...{ dnsNames: [], addresses: [], emails: [], urls: [] },
};
const CLIENT = ['client auth', 'digital signature'];
const SERVER = ['server auth', 'digital signature', 'key encipherment'];

test('each signer refuses what Kubernetes’ refuse, in their words', () => {
  const cases: [string, RequestFacts, string[], string | undefined][] = [
    [API_CLIENT, { ...NODE, organizations: [] }, CLIENT, undefined],
    [API_CLIENT, NODE, ['client auth', 'server auth'], 'invalid usage for client certificate: server auth'],
    [API_CLIENT, NODE, ['digital signature'], 'missing required usage for client certificate: client auth'],
    [KUBELET_CLIENT, NODE, CLIENT, undefined],
    [KUBELET_CLIENT, NODE, [...CLIENT, 'key encipherment'], undefined],
    [KUBELET_CLIENT, NODE, ['client auth'], 'usages did not match [client auth digital signature key encipherment]'],
    [KUBELET_CLIENT, { ...NODE, organizations: ['dev'] }, CLIENT, 'subject organization is not system:nodes'],
    [
      KUBELET_CLIENT,
      { ...NODE, organizations: ['system:nodes', 'system:masters'] },
      CLIENT,
      'subject organization is not system:nodes',
    ],
    [KUBELET_CLIENT, { ...NODE, commonName: 'jane' }, CLIENT, 'subject common name does not begin with system:node:'],
    [KUBELET_CLIENT, { ...NODE, dnsNames: ['a'] }, CLIENT, 'DNS subjectAltNames are not allowed'],
    [KUBELET_CLIENT, { ...NODE, addresses: ['10.0.0.1'] }, CLIENT, 'IP subjectAltNames are not allowed'],
    [KUBELET_SERVING, { ...NODE, addresses: ['10.0.0.1'] }, SERVER, undefined],
    [KUBELET_SERVING, NODE, SERVER, 'at least one DNS or IP subjectAltName is required'],
    [KUBELET_SERVING, { ...NODE, dnsNames: ['a'], urls: ['https://a'] }, SERVER, 'URI subjectAltNames are not allowed'],
    [
      KUBELET_SERVING,
      { ...NODE, dnsNames: ['a'] },
      [...SERVER, 'client auth'],
      'usages did not match [digital signature key encipherment server auth]',
    ],
  ];
  for (const [signer, facts, usages, wrong] of cases)
    assert.equal(SIGNER_RULES.get(signer)?.(facts, usages), wrong, `${signer} ${JSON.stringify(facts)} ${usages}`);
});

test('nobody becomes an administrator by a request, and nobody signs whatever is asked for', () => {
  const facts = { ...NODE, organizations: ['dev', 'system:masters'] };
  for (const [signer, rule] of SIGNER_RULES) assert.ok(rule(facts, CLIENT), signer);
  assert.equal(SIGNER_RULES.get('kubernetes.io/legacy-unknown'), undefined);
  assert.match(
    SIGNER_RULES.get(API_CLIENT)?.(facts, CLIENT) ?? '',
    /^use of kubernetes.io\/kube-apiserver-client signer with system:masters group is not allowed$/,
  );
});

test('a node may ask for its own certificate by one right, for others by another', () => {
  const rights = (username: string, facts = NODE, usages = CLIENT) =>
    recognizedRights(facts, { signerName: KUBELET_CLIENT, username, usages }).map(({ subresource }) => subresource);
  assert.deepEqual(rights('system:node:a'), ['selfnodeclient', 'nodeclient']);
  assert.deepEqual(rights('system:bootstrap:x'), ['nodeclient']);
  assert.deepEqual(rights('system:node:a', { ...NODE, dnsNames: ['a'] }), []);
  assert.deepEqual(rights('system:node:a', NODE, SERVER), []);
  const other = { signerName: API_CLIENT, username: 'system:node:a', usages: CLIENT };
  assert.deepEqual(recognizedRights(NODE, other), []);
});
