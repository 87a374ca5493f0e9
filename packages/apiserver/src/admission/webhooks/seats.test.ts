import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import { kindNamed } from '@podwire/kube';
import { Store } from '../../core/store.ts';
import type { WriteOptions } from '../../core/write-options.ts';
import type { Aside } from '../../seam.ts';
import { createObjects } from '../../server/objects.ts';

const CONFIG_MAP = kindNamed('ConfigMap');
const ROOT = { name: 'root', groups: ['system:masters'] };
/** At which nobody listens, and who does not mind. */
const WEBHOOK = {
  ...{ name: 'a.example.com', sideEffects: 'None', admissionReviewVersions: ['v1'], failurePolicy: 'Ignore' },
  clientConfig: { url: 'https://127.0.0.1:1/' },
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }],
};

test('a request counts as none while webhooks are asked about it', async (t) => {
  const store = await Store.open({});
  t.after(() => store.close());
  const ranges = { serviceCidrs: [parsePrefix('10.96.0.0/24')], nodePortRange: [30000, 30009] } as const;
  const { registry, webhooks, ...objects } = createObjects(store, ranges);
  t.after(() => {
    objects.stop();
    webhooks.close();
  });
  let waits = 0;
  const aside: Aside = (wait) => {
    waits++;
    return wait();
  };
  const trusted: WriteOptions = { fieldValidation: 'Ignore', dryRun: false, warn: () => {} };
  const options: WriteOptions = { ...trusted, user: ROOT, aside };
  const make = (kind: string, more: object) => ({ apiVersion: 'v1', kind, metadata: { name: 'x' }, ...more });
  await registry.create(kindNamed('Namespace'), undefined, { draft: make('Namespace', {}), options: trusted });
  const configuration = kindNamed('ValidatingWebhookConfiguration');
  const draft = make(configuration.kind, { apiVersion: configuration.apiVersion, webhooks: [WEBHOOK] });
  await registry.create(configuration, undefined, { draft, options: trusted });
  await registry.create(CONFIG_MAP, 'x', { draft: make('ConfigMap', {}), options });
  assert.equal(waits, 1);
  const target = { kind: CONFIG_MAP, namespace: 'x', name: 'x' };
  await registry.change(target, (old) => ({ ...old, data: { a: 'b' } }), options);
  assert.equal(waits, 2);
  await registry.remove(target, {}, false, { user: ROOT, aside });
  assert.equal(waits, 3);
});
