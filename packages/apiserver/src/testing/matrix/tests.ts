import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Kubectl } from '../kubectl.ts';
import { type MatrixCluster, startMatrixCluster } from './cluster.ts';
import { play } from './play.ts';
import type { Script } from './row.ts';
import { SCRIPTS, SHORT } from './scripts.ts';

/** Those that run every script; the ones between them run what differs most. */
const THOROUGH_MINORS: ReadonlySet<number> = new Set([29, 33]);

/** The scripts with every kubectl, two of them at once; each has a cluster of its own. */
export function matrixTests(kubectls: readonly Kubectl[]): void {
  if (kubectls.length === 0) {
    test('kubectl', { skip: 'probe kubectl: none of these versions on PATH or in a Google Cloud SDK' }, () => {});
    return;
  }
  describe('what kubectl prints', { concurrency: 2 }, () => {
    for (const kubectl of kubectls) {
      const scripts = THOROUGH_MINORS.has(kubectl.minor) ? SCRIPTS : SHORT;
      describe(`kubectl 1.${kubectl.minor}`, () => versionTests(kubectl, scripts));
    }
  });
}

function versionTests(kubectl: Kubectl, scripts: readonly Script[]): void {
  let it: MatrixCluster | undefined;
  before(async () => {
    const namespaces = scripts.map(({ name }) => name);
    it = await startMatrixCluster(kubectl, namespaces);
  });
  after(() => it?.stop());
  for (const script of scripts) {
    test(script.name, async () => {
      assert.ok(it);
      const wrong = await play(it.cluster.session, script);
      assert.equal(wrong.length, 0, wrong.join('\n\n'));
    });
  }
}
