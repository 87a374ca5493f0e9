import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cluster, findKubectls } from '@podwire/apiserver/testing';
import { newRequest } from './certificate/new-request.fixture.ts';
import { addNode, controlServer, eventually } from './testing/control-plane.ts';

const [newest] = findKubectls();

const budget = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'web' },
  spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
};

describe('kubectl', { skip: newest ? false : 'there is no kubectl of 1.29 or newer' }, () => {
  let it: Cluster;
  const ends: (() => unknown)[] = [];

  before(async () => {
    if (!newest) return;
    it = await Cluster.start(newest);
    await controlServer({ after: (end) => void ends.push(end as () => unknown) }, it.server);
    for (const name of ['node-1', 'node-2']) await addNode(it.client, name);
  });
  after(async () => {
    for (const end of ends) await end();
    await it?.stop();
  });

  test('rollout: status, history, pause, undo, restart', async () => {
    await it.ok('create deployment web --image=one --replicas=2');
    await it.ok('annotate deployment web kubernetes.io/change-cause=first');
    await it.ok('rollout status deployment web --timeout=300s');
    await it.ok('rollout pause deployment web');
    await it.ok('set image deployment/web *=two');
    await it.ok('annotate deployment web kubernetes.io/change-cause=second --overwrite');
    assert.match(await it.ok('get deployment web -o jsonpath={.status.conditions[*].reason}'), /DeploymentPaused/);
    await it.ok('rollout resume deployment web');
    await it.ok('rollout status deployment web --timeout=300s');
    const history = await it.ok('rollout history deployment web');
    assert.match(history, /REVISION +CHANGE-CAUSE\n1 +first\n2 +second\n/);
    assert.match(await it.ok('rollout history deployment web --revision=1'), /Image:\s+one/);
    assert.match(await it.ok('rollout undo deployment web'), /rolled back/);
    await it.ok('rollout status deployment web --timeout=300s');
    assert.match(await it.ok('rollout history deployment web'), /\n2 +second\n3 +first\n/);
    assert.equal((await it.client.list('ReplicaSet')).items.length, 2);
    await it.ok('rollout restart deployment web');
    await it.ok('rollout status deployment web --timeout=300s');
    assert.equal(await it.ok('get pods -l app=web -o jsonpath={.items[*].spec.containers[*].image}'), 'one one');
  });

  test('rollout of a DaemonSet: history and undo', async () => {
    const template = { metadata: { labels: { app: 'log' } }, spec: { containers: [{ name: 'c', image: 'one' }] } };
    const spec = { selector: { matchLabels: { app: 'log' } }, template };
    await it.ok('create -f -', { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'log' }, spec });
    await it.ok('rollout status ds log --timeout=300s');
    await it.ok('set image ds/log c=two');
    await it.ok('rollout status ds log --timeout=300s');
    assert.match(await it.ok('rollout history ds log'), /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/);
    assert.match(await it.ok('rollout undo ds log'), /rolled back/);
    await it.ok('rollout status ds log --timeout=300s');
    assert.match(await it.ok('rollout history ds log'), /\n2 +<none>\n3 +<none>\n/);
    assert.equal(await it.ok('get pods -l app=log -o jsonpath={.items[*].spec.containers[*].image}'), 'one one');
    await it.ok('delete ds log');
  });

  test('drain waits for the disruption budget', async () => {
    await it.ok('apply -f -', budget);
    const allowed = async (expected: string): Promise<void> => {
      const path = '{.status.currentHealthy}/{.status.disruptionsAllowed}';
      await eventually(expected, async () => (await it.ok(`get pdb web -o jsonpath=${path}`)) === expected);
    };
    await allowed('2/0');
    assert.match(
      await it.ok('get pdb'),
      /NAME +MIN AVAILABLE +MAX UNAVAILABLE +ALLOWED DISRUPTIONS +AGE\nweb +2 +N\/A +0 /,
    );
    const refusal = await it.fails('drain node-1 --timeout=6s');
    assert.match(refusal, /Cannot evict pod as it would violate the pod's disruption budget\./);
    await it.ok('scale deployment web --replicas=4');
    await it.ok('uncordon node-1');
    await allowed('4/2');
    await it.ok('drain node-1 --timeout=300s');
    const nodes = await it.ok('get pods -l app=web -o jsonpath={.items[*].spec.nodeName}');
    assert.ok(!nodes.includes('node-1'), nodes);
    await it.ok('uncordon node-1');
  });

  test('create job, create cronjob, create job --from', async () => {
    await it.ok('create job once --image=succeed');
    await it.ok('wait --for=condition=complete job/once --timeout=300s');
    assert.match(await it.ok('get job once'), /NAME +STATUS +COMPLETIONS +DURATION +AGE\nonce +Complete +1\/1 /);
    await it.ok('create cronjob often --image=succeed --schedule=@yearly');
    assert.match(await it.ok('get cronjob'), /often +@yearly +<none> +False +0 +<none> /);
    await it.ok('create job now --from=cronjob/often');
    await it.ok('wait --for=condition=complete job/now --timeout=300s');
    await it.ok('delete cronjob often');
    await eventually('the end of its Job', async () => !(await it.ok('get jobs')).includes('now'));
    await it.ok('delete job once --cascade=foreground --timeout=300s');
    assert.equal(await it.ok('get pods -l job-name=once'), '');
  });

  test('certificate approve, and the certificate that comes of it', async () => {
    const { request, key } = await newRequest('CN=jane, O=dev');
    const spec = { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] };
    const kind = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' };
    await it.ok('create -f -', { ...kind, metadata: { name: 'jane' }, spec });
    assert.equal(await it.ok('get csr jane -o jsonpath={.status.certificate}'), '');
    await it.ok('certificate approve jane');
    const certificate = await eventually('the certificate', () =>
      it.ok('get csr jane -o jsonpath={.status.certificate}'),
    );
    assert.match(await it.ok('get csr jane'), / Approved,Issued\n$/);
    const [cert, own] = ['jane.crt', 'jane.key'].map((name) => path.join(it.session.home, name));
    writeFileSync(String(cert), atob(certificate));
    writeFileSync(String(own), key, { mode: 0o600 });
    await it.ok(`config set-credentials jane --client-certificate=${cert} --client-key=${own}`);
    assert.equal(await it.ok('auth whoami --user=jane -o jsonpath={.status.userInfo.username}'), 'jane');
    assert.match(await it.fails('get pods --user=jane'), /User "jane" cannot list resource "pods"/);
  });
});
