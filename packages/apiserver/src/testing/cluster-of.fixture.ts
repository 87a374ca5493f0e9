import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Kubectl } from './kubectl.ts';
import { Cluster } from './kubectl-cluster.ts';

/**
 * For the suite that calls it: a cluster that is started before its first test, with what `prepare` makes there, and stopped
 * after its last one. Returns what gives it to the tests.
 */
export function clusterOf(
  kubectl: Kubectl | undefined,
  prepare?: (cluster: Cluster) => Promise<unknown>,
): () => Cluster {
  let cluster: Cluster | undefined;
  before(async () => {
    assert.ok(kubectl);
    cluster = await Cluster.start(kubectl);
    await prepare?.(cluster);
  });
  after(() => cluster?.stop());
  return () => {
    assert.ok(cluster);
    return cluster;
  };
}
