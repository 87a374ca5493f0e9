import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createNetns, NETNS_DIRECTORY } from '@podwire/kernel';
import { labExists, sweepLab } from './sweep.ts';
import { netnsName } from './topology.ts';

test('a file that was never mounted on is removed with the namespaces of the lab', async () => {
  const lab = `k${randomBytes(3).toString('hex')}`;
  mkdirSync(NETNS_DIRECTORY, { recursive: true });
  const file = path.join(NETNS_DIRECTORY, netnsName(lab, 'node-1'));
  writeFileSync(file, '');
  createNetns(netnsName(lab, 'router')).close();
  assert.deepEqual(await sweepLab(lab, { state: true }), { daemon: false, namespaces: 2, processes: 0 });
  assert.deepEqual([existsSync(file), labExists(lab)], [false, false]);
});
