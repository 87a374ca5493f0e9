import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createMountNamespace } from './mount-namespace.ts';
import { spawnIn } from './namespaced-child.ts';

test('children share a layer over the machine: new places, no trace, back home', { timeout: 600_000 }, async (t) => {
  const top = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-mounts-'));
  t.after(() => fs.rmSync(top, { recursive: true, force: true }));
  const [stage, shared, file] = ['stage', 'shared', 'file'].map((name) => path.join(top, name)) as [
    string,
    string,
    string,
  ];
  for (const made of [stage, shared]) fs.mkdirSync(made);
  fs.writeFileSync(file, 'content\n');
  const home = ['ns/mnt', 'cwd', 'root'].map((name) => fs.readlinkSync(`/proc/thread-self/${name}`));
  const place = `/pwt-${path.basename(top)}`;
  const mounts = createMountNamespace({
    directory: stage,
    binds: [
      { source: shared, target: `${place}/deep/shared` },
      { source: file, target: `${place}/file`, readOnly: true },
    ],
  });
  t.after(() => mounts.close());
  const run = async (script: string): Promise<string> => {
    const child = spawnIn({ mounts }, 'sh', ['-c', script], { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    await once(child, 'close');
    return output;
  };
  assert.deepEqual(
    ['ns/mnt', 'cwd', 'root'].map((name) => fs.readlinkSync(`/proc/thread-self/${name}`)),
    home,
  );
  if (!mounts.isLayered) return t.skip('probe overlayfs: this kernel mounts none');
  assert.deepEqual(mounts.missing, []);
  assert.equal(await run(`cat ${place}/file; echo out > ${place}/deep/shared/out; pwd`), 'content\n/\n');
  assert.match(await run(`echo x > ${place}/file`), /Read-only/i);
  assert.equal(fs.readFileSync(path.join(shared, 'out'), 'utf8'), 'out\n');
  assert.equal(
    await run(`echo own > ${place}/new; rm -r ${top}; ls ${top}`).then((text) => /No such/.test(text)),
    true,
  );
  assert.equal(
    await run(`cat ${place}/new; test -c /dev/null && test -d /proc/self && echo devices`),
    'own\ndevices\n',
  );
  assert.deepEqual([fs.existsSync(place), fs.readdirSync(stage), fs.existsSync(file)], [false, [], true]);
});
