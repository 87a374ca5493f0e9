import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { PodVolumes } from './pod-volumes.ts';

test('an empty volume belongs to the group of the pod, and so does what is made in it', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-volumes-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const gid = process.getgid?.() ?? 0;
  const made = async (name: string, securityContext: object) => {
    const pod = { spec: { containers: [], volumes: [{ name, emptyDir: {} }], securityContext } };
    const source = { pod, wantsToken: async () => false } as never;
    await new PodVolumes({ pod, directory, claims: directory, source, warn: () => {} }).prepare();
    return statSync(path.join(directory, name));
  };
  const grouped = await made('grouped', { fsGroup: gid });
  assert.deepEqual([grouped.mode & 0o7777, grouped.gid], [0o2777, gid]);
  assert.equal((await made('plain', {})).mode & 0o7777, 0o777);
});
