import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { hasCode } from '@podwire/base';
import { withNetns } from '../testing.ts';
import {
  createAnonymousNetns,
  createNetns,
  currentNetns,
  deleteNetns,
  enterNetns,
  listNetns,
  openNetns,
} from './netns.ts';
import { netnsCookie } from './netns-cookie.ts';

const here = () => fs.readlinkSync('/proc/thread-self/ns/net');
const freshName = () => `pwt-${randomBytes(4).toString('hex')}`;

test('a namespace is made, listed, opened, used and removed', () => {
  const name = freshName();
  const made = createNetns(name);
  try {
    assert.ok(listNetns().includes(name));
    assert.ok(execFileSync('ip', ['netns', 'list']).toString().includes(name));
    const opened = openNetns(name);
    assert.equal(opened.inode, made.inode);
    assert.equal(openNetns(opened.path).name, name);
    assert.equal(made.run(here), `net:[${made.inode}]`);
    assert.match(execFileSync('ip', ['-n', name, '-o', 'link', 'show', 'lo']).toString(), /LOOPBACK,UP/);
    opened.close();
  } finally {
    made.close();
    assert.equal(deleteNetns(name), true);
  }
  assert.equal(deleteNetns(name), false);
  assert.ok(!listNetns().includes(name));
});

test('the thread comes home after a result, a throw, a nested run and a refused promise', async () => {
  const home = here();
  await withNetns(2, (a, b) => {
    assert.notEqual(a.inode, b.inode);
    assert.throws(
      () =>
        a.run(() => {
          throw new Error('inside');
        }),
      /inside/,
    );
    assert.equal(here(), home);
    assert.equal(
      a.run(() => b.run(here)),
      `net:[${b.inode}]`,
    );
    assert.equal(
      a.run(() => {
        b.run(here);
        return here();
      }),
      `net:[${a.inode}]`,
    );
    assert.throws(
      () => a.run(async () => 1),
      (error) => hasCode(error, 'KERNEL_NETNS_ASYNC'),
    );
    assert.equal(here(), home);
    assert.equal(currentNetns().inode, BigInt(home.slice(5, -1)));
  });
});

test('names that are taken, unusable or unknown are refused and nothing is left behind', async () => {
  const bad = (error: unknown) => hasCode(error, 'KERNEL_BAD_NETNS');
  await withNetns(1, ({ name = '' }) => {
    assert.throws(() => createNetns(name), bad);
    assert.ok(listNetns().includes(name));
  });
  for (const name of ['', '.', '..', 'a/b', '../etc', 'a b', 'x'.repeat(300)])
    assert.throws(() => createNetns(name), bad, name);
  for (const use of [createNetns, openNetns, deleteNetns])
    assert.throws(() => use(undefined as unknown as string), /undefined is not a usable name/);
  assert.throws(() => openNetns('pwt-does-not-exist'), bad);
  for (const file of ['/etc/hostname', '/etc', '/proc/self/ns/mnt', '/proc/self/ns/pid', '/etc/hostname/x'])
    assert.throws(() => openNetns(file), bad, file);
  assert.throws(() => deleteNetns('..'), bad);
});

test('the path of every handle leads to its namespace, from other processes too', async () => {
  await withNetns(1, (named) => {
    for (const netns of [named, createAnonymousNetns(), named.run(currentNetns), openNetns('/proc/self/ns/net')]) {
      using again = openNetns(netns.path);
      assert.equal(again.inode, netns.inode);
      const link = execFileSync('nsenter', [`--net=${netns.path}`, 'readlink', '/proc/self/ns/net']).toString();
      // the process that looks at /proc/self sees itself
      if (!netns.path.includes('/self/')) assert.equal(link, `net:[${netns.inode}]\n`);
      netns.close();
    }
  });
});

test('no descriptor of a namespace is left open by what fails', async () => {
  const nsfs = 0x6e736673;
  const typeOf = (fd: string) => {
    try {
      return fs.statfsSync(`/proc/self/fd/${fd}`).type;
    } catch {
      return 0; // the descriptor of the listing itself
    }
  };
  const open = () => fs.readdirSync('/proc/self/fd').filter((fd) => typeOf(fd) === nsfs).length;
  await withNetns(1, ({ name = '' }) => {
    const before = open();
    const held = createAnonymousNetns();
    assert.equal(open(), before + 1);
    held.close();
    for (const attempt of [() => openNetns('/proc/self/ns/mnt'), () => openNetns('/etc'), () => createNetns(name)])
      assert.throws(attempt);
    assert.equal(open(), before);
  });
});

test('a closed handle says so', () => {
  const netns = createAnonymousNetns();
  assert.equal(netns.run(here), `net:[${netns.inode}]`);
  netns.close();
  netns.close();
  assert.throws(
    () => netns.run(here),
    (error) => hasCode(error, 'KERNEL_BAD_NETNS'),
  );
});

test('the main thread may not move for good', async () => {
  await withNetns(1, (netns) => {
    assert.throws(
      () => enterNetns(netns),
      (error) => hasCode(error, 'KERNEL_MAIN_THREAD'),
    );
  });
});

test('a worker lives in its namespace, makes excursions and comes back there; pool threads stay outside', async () => {
  await withNetns(2, async (a, b) => {
    const code = `
      import { parentPort } from 'node:worker_threads';
      import fs from 'node:fs';
      import { currentNetns, enterNetns, openNetns } from ${JSON.stringify(new URL('./netns.ts', import.meta.url).href)};
      const here = () => fs.readlinkSync('/proc/thread-self/ns/net');
      enterNetns(openNetns(${JSON.stringify(a.name)}));
      const away = openNetns(${JSON.stringify(b.name)}).run(here);
      const pool = await fs.promises.readlink('/proc/thread-self/ns/net');
      parentPort.postMessage({ home: here(), away, pool, current: currentNetns().inode });
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    const [facts] = await once(worker, 'message');
    await worker.terminate();
    const main = here();
    assert.deepEqual(facts, { home: `net:[${a.inode}]`, away: `net:[${b.inode}]`, pool: main, current: a.inode });
  });
});

test('a namespace has a cookie of its own, the same through every handle', async () => {
  await withNetns(2, (one, two) => {
    assert.notEqual(netnsCookie(one), netnsCookie(two));
    assert.equal(netnsCookie(one), one.run(netnsCookie));
    using again = openNetns(one.path);
    assert.equal(netnsCookie(again), netnsCookie(one));
  });
});
