import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import { withNetns } from '../testing.ts';
import { type SpawnPlace, spawnIn } from './namespaced-child.ts';
import { pidsInNetns } from './netns-pids.ts';

const NAMESPACES = ['net', 'mnt', 'uts'];
const whereAmI = () => [
  ...NAMESPACES.map((type) => fs.readlinkSync(`/proc/thread-self/ns/${type}`)),
  fs.readlinkSync('/proc/thread-self/cwd'),
  os.hostname(),
];
/** What is mounted where these tests bind; other tests mount elsewhere meanwhile. */
const mounts = () =>
  fs
    .readFileSync('/proc/thread-self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[4] === '/etc/hosts')
    .join('\n');

async function withFile<T>(content: string, fn: (file: string, directory: string) => Promise<T>): Promise<T> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-'));
  try {
    const file = path.join(directory, 'source');
    fs.writeFileSync(file, content);
    return await fn(file, directory);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

async function outputOf(place: SpawnPlace, script: string): Promise<string> {
  const child = spawnIn(place, 'sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  return output;
}

test('a child has its netns, hostname and bound files; the thread is home and no mount is left', async () => {
  await withNetns(1, (netns) =>
    withFile('nameserver 10.96.0.10\n', async (source) => {
      const [home, before] = [whereAmI(), mounts()];
      const place = { netns, hostname: 'pod-a', binds: [{ source, target: '/etc/hosts' }] };
      const child = spawnIn(place, 'sleep', ['100']);
      try {
        assert.deepEqual(whereAmI(), home);
        assert.equal(mounts(), before, 'the bind mount shows up in the mount table of the machine');
        assert.ok(fs.readFileSync(`/proc/${child.pid}/mountinfo`, 'utf8').includes(' /etc/hosts '));
        assert.deepEqual(pidsInNetns(netns.inode), [child.pid]);
      } finally {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      assert.deepEqual(pidsInNetns(new Set([netns.inode])), []);
      const output = await outputOf(place, 'hostname; cat /etc/hosts; readlink /proc/self/ns/net; pwd');
      assert.equal(output, `pod-a\nnameserver 10.96.0.10\nnet:[${netns.inode}]\n${process.cwd()}\n`);
      assert.equal(mounts(), before);
      assert.deepEqual(whereAmI(), home);
    }),
  );
});

test('a read-only bind cannot be written to, another can', async () => {
  await withFile('old\n', async (source, directory) => {
    const target = path.join(directory, 'target');
    fs.writeFileSync(target, 'covered\n');
    const write = `(echo new > ${target}) 2>/dev/null && echo written || echo refused`;
    assert.equal(await outputOf({ binds: [{ source, target, readOnly: true }] }, write), 'refused\n');
    assert.equal(await outputOf({ binds: [{ source, target }] }, write), 'written\n');
    assert.equal(fs.readFileSync(source, 'utf8'), 'new\n');
    assert.equal(fs.readFileSync(target, 'utf8'), 'covered\n');
  });
});

test('what cannot be bound is refused by name, and the thread comes home', async () => {
  await withNetns(1, (netns) =>
    withFile('x', async (source, directory) => {
      const [home, before] = [whereAmI(), mounts()];
      const good = { source, target: '/etc/hosts' };
      const spawnWith = (bind: { source: string; target: string }) => () =>
        spawnIn({ netns, hostname: 'pod-a', binds: [good, bind] }, 'true', []);
      const missing = (error: unknown) => hasCode(error, 'KERNEL_BAD_BIND');
      assert.throws(spawnWith({ source, target: `${directory}/nothing` }), missing);
      assert.throws(spawnWith({ source: `${directory}/nothing`, target: '/etc/hosts' }), missing);
      assert.throws(spawnWith({ source, target: directory }), (error) => hasCode(error, 'KERNEL_CALL'));
      assert.throws(
        () => spawnIn({ netns, hostname: 'x'.repeat(100) }, 'true', []),
        (error) => hasCode(error, 'KERNEL_CALL'),
      );
      assert.deepEqual(whereAmI(), home);
      assert.equal(mounts(), before);
    }),
  );
});

test('a program that does not exist is an error event', async () => {
  await withNetns(1, async (netns) => {
    const home = whereAmI();
    const child = spawnIn({ netns, hostname: 'pod-a' }, '/no/such/program', []);
    const [error] = await once(child, 'error');
    assert.equal(error.code, 'ENOENT');
    assert.deepEqual(whereAmI(), home);
  });
});
