import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CERTIFICATE_REQUEST } from './testing/certificate-request.ts';
import { clusterOf } from './testing/cluster-of.fixture.ts';
import { findKubectls } from './testing/kubectl.ts';

const [kubectl] = findKubectls();
if (!kubectl) {
  test('kubectl', { skip: 'probe kubectl: no kubectl of 1.29 or newer on PATH or in a Google Cloud SDK' }, () => {});
} else {
  describe(`certificates, with kubectl 1.${kubectl.minor}`, () => {
    const current = clusterOf(kubectl);
    const request = (name: string) => ({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: { request: CERTIFICATE_REQUEST, signerName: 'example.com/s', usages: ['client auth'], username: 'root' },
    });

    test('are approved and denied, and what is decided stays', async () => {
      const it = current();
      await it.ok('create -f -', request('good'));
      await it.ok('create -f -', request('bad'));
      assert.match(await it.ok('get csr good --no-headers'), /example\.com\/s +kubernetes-admin +<none> +Pending\n$/);
      assert.match(
        await it.ok('certificate approve good'),
        /certificatesigningrequest.certificates.k8s.io\/good approved/,
      );
      assert.match(await it.ok('certificate deny bad'), /\/bad denied/);
      assert.match(await it.ok('get csr'), /bad .* Denied\ngood .* Approved\n$/);
      const [condition] = JSON.parse(await it.ok('get csr good -o json')).status.conditions;
      assert.deepEqual([condition.type, condition.status, condition.reason], ['Approved', 'True', 'KubectlApprove']);
      assert.ok(condition.lastUpdateTime && condition.lastTransitionTime);
      const undo = await it.run('patch csr good --subresource=approval --type=merge -p {"status":{"conditions":[]}}');
      assert.match(undo.stderr, /updates may not remove a condition of type "Approved"/);
      assert.match(await it.ok('describe csr good'), /Common Name:\s+jane/);
    });
  });
}
