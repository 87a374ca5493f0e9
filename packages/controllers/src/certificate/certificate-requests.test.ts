import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { test } from 'node:test';
import type { KubeClient } from '@podwire/kube';
import { type ControlPlane, eventually, startControlPlane } from '../testing/control-plane.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { newRequest } from './new-request.fixture.ts';

type Spec = { request: string; signerName: string; usages: string[]; expirationSeconds?: number; username?: string };

const API_CLIENT = 'kubernetes.io/kube-apiserver-client';
const KUBELET = 'kubernetes.io/kube-apiserver-client-kubelet';
const CLIENT_USAGES = ['digital signature', 'client auth'];

async function ask(client: KubeClient, name: string, spec: Spec): Promise<void> {
  await client.create('CertificateSigningRequest', { metadata: { name }, spec });
}

async function approve(client: KubeClient, name: string): Promise<void> {
  const found = await client.get('CertificateSigningRequest', { name });
  assert.ok(found);
  const conditions = [...(found.status?.conditions ?? []), { type: 'Approved', status: 'True', reason: 'Test' }];
  await client.update('CertificateSigningRequest', { ...found, status: { ...found.status, conditions } }, 'approval');
}

const certificateOf = (client: KubeClient, name: string): Promise<string> =>
  eventually(`${name} is signed`, async () => {
    const found = await client.get('CertificateSigningRequest', { name });
    return atob(found?.status?.certificate ?? '');
  });

const conditionOf = (client: KubeClient, name: string, type: string) =>
  eventually(`${name} is ${type}`, async () => {
    const found = await client.get('CertificateSigningRequest', { name });
    return found?.status?.conditions?.find((one) => one.type === type);
  });

/** Who the server says it is talking to. */
async function whoAmI({ server }: ControlPlane, cert: string, key: string): Promise<unknown> {
  const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const where = { host: '127.0.0.1', port, path, method: 'POST', agent: false as const };
  return new Promise((resolve, reject) => {
    const sent = httpsRequest({ ...where, cert, key, ca: server.caCertificate }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve(JSON.parse(text).status?.userInfo ?? text));
    });
    sent.on('error', reject);
    sent.setHeader('content-type', 'application/json');
    sent.end('{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}');
  });
}

test('an approved request is signed, and the certificate logs its owner in', async (t) => {
  const plane = await startControlPlane(t);
  const { client, server } = plane;
  const { request, key } = await newRequest('CN=jane, O=dev, O=ops');
  await ask(client, 'jane', { request, signerName: API_CLIENT, usages: CLIENT_USAGES, expirationSeconds: 600 });
  await approve(client, 'jane');
  const pem = await certificateOf(client, 'jane');
  const certificate = new X509Certificate(pem);
  const authority = new X509Certificate(server.caCertificate);
  assert.ok(certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
  assert.deepEqual([certificate.ca, certificate.keyUsage], [false, ['1.3.6.1.5.5.7.3.2']]);
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  assert.equal(to - from, 15 * 60_000, 'ten minutes, and five for clocks that are behind');
  const { username, groups } = (await whoAmI(plane, pem, key)) as { username: string; groups: string[] };
  assert.deepEqual([username, groups.toSorted()], ['jane', ['dev', 'ops', 'system:authenticated']]);
});

test('requests that break the rules of their signer fail and say why; other signers are left alone', async (t) => {
  const { client } = await startControlPlane(t);
  const { request } = await newRequest('CN=mallory, O=system:masters');
  await assert.rejects(
    ask(client, 'masters', { request, signerName: API_CLIENT, usages: CLIENT_USAGES }),
    /is forbidden: use of kubernetes.io\/kube-apiserver-client signer with system:masters group is not allowed/,
  );
  const forged = Buffer.from(atob(request).replace(/-----[^-]+-----|\s/g, ''), 'base64');
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${forged.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  await assert.rejects(
    ask(client, 'forged', { request: btoa(pem), signerName: API_CLIENT, usages: CLIENT_USAGES }),
    /spec.request: Invalid value: .*: the signature of the request is not of its key/s,
  );
  await ask(client, 'foreign', { request, signerName: 'example.com/s', usages: ['client auth'] });
  await approve(client, 'foreign');
  const foreign = await client.get('CertificateSigningRequest', { name: 'foreign' });
  assert.deepEqual([foreign?.status?.certificate, foreign?.status?.conditions?.length], [undefined, 1]);
});

/** Users with a ClusterRole. */
async function grant(client: KubeClient, name: string, users: readonly string[]): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io';
  await client.create('ClusterRoleBinding', {
    metadata: { name },
    roleRef: { apiGroup, kind: 'ClusterRole', name },
    subjects: users.map((user) => ({ apiGroup, kind: 'User', name: user })),
  });
}

test('a node that may renew its certificate has that approved by itself, and nobody else', async (t) => {
  const clock = new VirtualClock(new Date().toISOString());
  const { client, server } = await startControlPlane(t, clock);
  const [node, other] = ['system:node:a', 'system:node:b'];
  await grant(client, 'system:node-bootstrapper', [node, other]);
  await grant(client, 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [node]);
  const { request } = await newRequest(`CN=${node}, O=system:nodes`);
  const spec = { request, signerName: KUBELET, usages: CLIENT_USAGES };
  for (const name of [other, node]) {
    const asNode = server.client({ name, groups: ['system:nodes', 'system:authenticated'] });
    await ask(asNode, name.replaceAll(':', '-'), { ...spec, username: node });
  }
  const { reason, message } = await conditionOf(client, 'system-node-a', 'Approved');
  assert.deepEqual(
    [reason, message],
    ['AutoApproved', 'Auto approving self kubelet client certificate after SubjectAccessReview.'],
  );
  assert.match(new X509Certificate(await certificateOf(client, 'system-node-a')).subject, /CN=system:node:a/);
  const { spec: stored, status } = (await client.get('CertificateSigningRequest', { name: 'system-node-b' })) ?? {};
  assert.deepEqual([stored?.username, status?.conditions], [other, undefined]);
  await grant(client, 'system:certificates.k8s.io:certificatesigningrequests:nodeclient', [other]);
  await eventually('the approval of who has got the right', async () => {
    clock.advance(1);
    const found = await client.get('CertificateSigningRequest', { name: 'system-node-b' });
    return found?.status?.conditions?.some(({ type }) => type === 'Approved');
  });
});

test('requests go when their time is over', async (t) => {
  const clock = new VirtualClock(new Date().toISOString());
  const { client } = await startControlPlane(t, clock);
  const { request } = await newRequest('CN=jane');
  for (const name of ['pending', 'approved'])
    await ask(client, name, { request, signerName: API_CLIENT, usages: CLIENT_USAGES });
  await approve(client, 'approved');
  await certificateOf(client, 'approved');
  const names = async () =>
    (await client.list('CertificateSigningRequest')).items.map(({ metadata }) => metadata?.name);
  /** Time passes in steps: what waits for it may be told of a change later. */
  const passes = (hours: number, left: readonly string[]) =>
    eventually(`only ${left.join()} left`, async () => {
      clock.advance((hours * 3600) / 10);
      return JSON.stringify(await names()) === JSON.stringify(left);
    });
  await passes(1, ['pending']);
  await passes(24, []);
});
