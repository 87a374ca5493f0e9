import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ObjectOf } from '../kinds.ts';
import { QuotaLedger } from './quota-ledger.ts';
import { formatQuotaAmount } from './quota-usage.ts';

type Quota = ObjectOf<'ResourceQuota'>;
type Pod = ObjectOf<'Pod'>;

const quota = (uid: string, more: object = {}): Quota => ({
  metadata: { namespace: 'default', name: uid, uid },
  spec: { hard: { pods: '9', cpu: '9', secrets: '9' }, ...more },
});
const pod = (cpu: number, over = false): Pod => ({
  metadata: { namespace: 'default' },
  spec: { containers: [{ name: 'c', resources: cpu === 0 ? {} : { requests: { cpu: `${cpu}m` } } }] },
  status: { phase: over ? 'Succeeded' : 'Running' },
});

/** What a quota has used of pods. */
function used(ledger: QuotaLedger, of: Quota, pods: readonly Pod[]): Record<string, string> {
  const amounts = ledger.used(of, { id: 'Pod', subject: 'pods', objects: () => pods });
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuotaAmount(name, amount)]));
}

test('what is kept by changes is what counting everything gives', () => {
  const cpus = fc.integer({ min: 0, max: 4 }).map((tenths) => tenths * 100);
  const change = fc.record({ slot: fc.nat(9), to: fc.option(fc.tuple(cpus, fc.boolean())) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.nat(59), (changes, asked) => {
      const ledger = new QuotaLedger();
      const pods = new Map<number, Pod>();
      const quotas = [quota('all'), quota('best', { scopes: ['BestEffort'] })];
      for (const [index, { slot, to }] of changes.entries()) {
        if (index === asked) for (const one of quotas) used(ledger, one, [...pods.values()]);
        const [before, after] = [pods.get(slot), to ? pod(...to) : undefined];
        if (after) pods.set(slot, after);
        else pods.delete(slot);
        ledger.record('Pod', before, after);
      }
      const now = [...pods.values()];
      for (const one of quotas) assert.deepEqual(used(ledger, one, now), used(new QuotaLedger(), one, now));
    }),
  );
});

test('objects are counted once, and again when the quota limits something else or was made anew', () => {
  const ledger = new QuotaLedger();
  let counts = 0;
  const subject = { id: 'Pod', subject: 'pods', objects: () => [pod(100), pod(0, ++counts > 9)] };
  const pods = (of: Quota): number | undefined => ledger.used(of, subject).get('pods');
  assert.equal(pods(quota('one')), 2);
  assert.equal(pods({ ...quota('one'), status: { used: { pods: '2' } } }), 2);
  ledger.record('Secret', undefined, { metadata: { namespace: 'default' } });
  ledger.record('Pod', undefined, { ...pod(100), metadata: { namespace: 'other' } });
  assert.deepEqual([pods(quota('one')), counts], [2, 1]);
  assert.deepEqual([pods(quota('one', { scopes: ['BestEffort'] })), counts], [1, 2]);
  ledger.drop(quota('one'));
  assert.deepEqual([pods(quota('one')), counts], [2, 3]);
  ledger.clear();
  assert.deepEqual([pods(quota('one')), counts], [2, 4]);
});
