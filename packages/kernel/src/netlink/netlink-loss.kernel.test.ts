import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { hasCode } from '@podwire/base';
import { isErrno, KernelError } from '../errors.ts';
import type { Netns } from '../netns/netns.ts';
import { withNetns } from '../testing.ts';
import { openNetlink } from './netlink.ts';
import { NetlinkExchange } from './netlink-exchange.ts';
import { type NetlinkMessage, NLM_F } from './netlink-message.ts';
import { openNetlinkSocket } from './netlink-socket.ts';

const [GETLINK, GETADDR] = [18, 22];
const [BEGIN, END, NEWRULE] = [16, 17, 0xa06];
const NFTABLES = 10;
const list: NetlinkMessage = { type: GETLINK, flags: 0, body: Buffer.alloc(16), op: 'list links' };
const nfgenmsg = (resource: number) => Buffer.from([0, 0, resource >> 8, resource & 255]);
const mark = (type: number, resource = NFTABLES): NetlinkMessage => ({ type, flags: 0, body: nfgenmsg(resource) });
/** For a table that does not exist. */
const rule = (index: number): NetlinkMessage => ({
  type: NEWRULE,
  flags: NLM_F.CREATE,
  body: Buffer.from('020000000800010061626300', 'hex'),
  op: `rule ${index}`,
});

/**
 * Tells how many ms this thread has waited for something since, however long it took: neither its work counts nor that others
 * had the processor; Documentation/scheduler/sched-stats.rst.
 */
function sleepTimer(): () => number {
  const awake = (): number => {
    const [running = 0, ready = 0] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ').map(Number);
    return (running + ready) / 1e6;
  };
  const [started, wasAwake] = [performance.now(), awake()];
  return () => performance.now() - started - (awake() - wasAwake);
}

test('of more refusals than the receive buffer holds a transaction tells the first, and the socket goes on', async () => {
  await withNetns(1, (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const rules = Array.from({ length: 60_000 }, (_, i) => rule(i));
    const asleep = sleepTimer();
    assert.throws(
      () => netlink.transaction([mark(BEGIN), ...rules, mark(END)]),
      (error) => isErrno(error, 'ENOENT') && error.index === 1 && error.op === 'rule 0',
    );
    assert.throws(
      () => netlink.transaction([mark(BEGIN), rule(7), mark(END)]),
      (error) => isErrno(error, 'ENOENT') && error.op === 'rule 7',
    );
    assert.ok(asleep() < 9000, 'waited for an answer that got lost');
  });
});

test('a transaction without anything between begin and end sends nothing', async () => {
  await withNetns(1, (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const refused = 999; // a subsystem that does not exist
    assert.throws(() => netlink.transaction([mark(BEGIN, refused), rule(0), mark(END)]), KernelError);
    netlink.transaction([mark(BEGIN, refused), mark(END)]);
    netlink.transaction([]);
    assert.deepEqual(netlink.batch([]), []);
  });
});

test('a request that is answered by a list ends with the list', async () => {
  await withNetns(1, (netns) => {
    using netlink = openNetlink('route', netns);
    const asleep = sleepTimer();
    assert.equal(netlink.request({ ...list, flags: NLM_F.DUMP }).length, 1); // lo
    assert.equal(netlink.dump(list).length, 1);
    assert.ok(asleep() < 5000, 'waited for an acknowledgement');
  });
});

test('the error at the end of a list is thrown, with the words of the kernel', async () => {
  await withNetns(1, (netns) => {
    using netlink = openNetlink('route', netns);
    const body = Buffer.from([0, 24, 0, 0, 0, 0, 0, 0]); // a prefix length, which strict checking forbids
    assert.throws(
      () => netlink.dump({ type: GETADDR, flags: 0, body, op: 'list addresses' }),
      (error) => isErrno(error, 'EINVAL') && error.op === 'list addresses' && /header/i.test(error.extack ?? ''),
    );
    assert.equal(netlink.dump(list).length, 1);
  });
});

test('answers to an earlier request, which nobody waited for, are passed over', async () => {
  await withNetns(1, (netns) => {
    const exchange = openExchange(netns);
    try {
      exchange.send([list, list, list], 0);
      const run = exchange.send([{ ...list, flags: NLM_F.DUMP }]);
      const answers = [];
      while (!answers.length) answers.push(...exchange.receive(run).answers);
      assert.deepEqual([...new Set(answers.map(({ sequence }) => sequence))], [run.sequence]);
    } finally {
      exchange.close();
    }
  });
});

function openExchange(netns: Netns): NetlinkExchange {
  return new NetlinkExchange(
    'route',
    netns.run(() => openNetlinkSocket('route')),
  );
}

test('the numbers of requests begin anew before they are used up', async () => {
  await withNetns(1, (netns) => {
    const exchange = openExchange(netns);
    try {
      assert.equal(exchange.reserve(0x7ffffffe), 1);
      assert.equal(exchange.reserve(1), 0x7fffffff);
      assert.equal(exchange.reserve(3), 1);
      const run = exchange.send([list], 0);
      assert.equal(run.sequence, 4);
      assert.equal(exchange.receive(run).answers[0]?.sequence, 4);
    } finally {
      exchange.close();
    }
  });
});

test('a closed socket says so, whatever is asked of it', async () => {
  await withNetns(1, (netns) => {
    const netlink = openNetlink('route', netns);
    netlink.close();
    netlink.close();
    const uses = [
      () => netlink.request(list),
      () => netlink.dump(list),
      () => netlink.batch([list]),
      () => netlink.batchEncoded({ type: GETLINK, flags: 0, count: 1, write: () => {}, op: () => '' }),
      () => netlink.transaction([list, list, list]),
    ];
    for (const use of uses) assert.throws(use, (error) => hasCode(error, 'KERNEL_CLOSED'), String(use));
  });
});

test('with the small buffers of a user namespace, batches of any size are answered in full', async () => {
  const program = path.join(import.meta.dirname, 'small-buffers.fixture.ts');
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', program];
  const { stdout } = await promisify(execFile)('unshare', ['--user', '--map-root-user', '--net', ...node]);
  assert.deepEqual(JSON.parse(stdout), { many: 3000, large: 300, encoded: 300, unfitting: 'EMSGSIZE wmem_max' });
});
