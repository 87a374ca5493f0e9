import assert from 'node:assert/strict';
import type { Store } from '../core/store.ts';
import type { ApiObject } from '../seam.ts';

export const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
/** Written together. */
export const PAIRS = [
  ['left1', 'right1'],
  ['left2', 'right2'],
];

export const isRemoval = (n: number): boolean => n % 10 === 4;

/** A ConfigMap that shows when it is not whole. */
export const numbered = (name: string, n: number): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels: { n: String(n) } },
  data: { n: String(n), body: `${n} `.repeat((n % 40) * 10), end: String(n) },
});

/** The number of what a store has of a key; undefined: nothing. Fails for what is not whole. */
export function numberOf(store: Store, name: string): number | undefined {
  const found = store.get('ConfigMap', `default/${name}`);
  if (!found) return undefined;
  const n = Number((found.data as { n: string }).n);
  const { metadata, data } = numbered(name, n);
  assert.deepEqual([found.metadata.labels, found.data], [metadata.labels, data], `${name} is not whole`);
  return n;
}

/** Fails unless the key holds what its last acknowledged write left, or the one after it, which was under way. */
export function assertKept(found: number | undefined, acknowledged: number, name: string): void {
  const possible = [acknowledged, acknowledged + 1].map((n) => (n === 0 || isRemoval(n) ? undefined : n));
  assert.ok(
    possible.includes(found),
    `${name}: write ${acknowledged} was acknowledged, ${found ?? 'nothing'} is there`,
  );
}
