import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isErrno } from '../errors.ts';
import { addressAttributes, ifaddrmsg } from '../rtnetlink/address.ts';
import { linkAttributes } from '../rtnetlink/link.ts';
import { ifinfomsg } from '../rtnetlink/link-attributes.ts';
import { RTM } from '../rtnetlink/message-type.ts';
import { nextHopObjectAttributes, nhmsg } from '../rtnetlink/nexthop.ts';
import { withNetns } from '../testing.ts';
import { type Netlink, openNetlink } from './netlink.ts';
import { encodeBody, NLM_F } from './netlink-message.ts';
import { subscribeNetlink, watchNetlinkGroups } from './subscription.ts';

const GROUP = { LINK: 1, NEXTHOP: 32 } as const;
const LOOPBACK = 1;

function createBridge(netlink: Netlink, name: string): void {
  const body = encodeBody(ifinfomsg, {}, linkAttributes, { name, info: { kind: 'bridge' } });
  netlink.request({ type: RTM.NEWLINK, flags: NLM_F.CREATE, body, op: `create ${name}` });
}

/** Other descriptors come and go as Node likes. */
function openSockets(): string[] {
  return fs.readdirSync('/proc/self/fd').filter((fd) => {
    const stat = fs.statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false });
    return stat?.isSocket();
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    assert.ok(waited < 120_000, 'waited in vain');
    await sleep(5);
  }
}

test('groups beyond the first 31 can be joined', async () => {
  await withNetns(1, async (netns) => {
    using netlink = openNetlink('route', netns);
    const types: number[] = [];
    const watch = subscribeNetlink({
      protocol: 'route',
      netns,
      groups: [GROUP.LINK, GROUP.NEXTHOP],
      onMessages: (messages) => types.push(...messages.map(({ type }) => type)),
      onLost: () => assert.fail('lost'),
    });
    try {
      const body = encodeBody(nhmsg, { family: 'ipv4' }, nextHopObjectAttributes, { id: 1, outIndex: LOOPBACK });
      netlink.request({ type: RTM.NEWNEXTHOP, flags: NLM_F.CREATE, body });
      await until(() => types.includes(RTM.NEWNEXTHOP));
    } finally {
      watch.stop();
    }
  });
});

test('a group that does not exist is refused, and the socket is given back', async () => {
  await withNetns(1, (netns) => {
    const open = () => openSockets().length;
    const before = open();
    for (const group of [0, 100_000])
      assert.throws(
        () => subscribeNetlink({ protocol: 'route', netns, groups: [group], onMessages() {}, onLost() {} }),
        (error) => isErrno(error, 'EINVAL'),
        String(group),
      );
    assert.equal(open(), before);
  });
});

test('a watch of groups calls once for many messages, and may be stopped there', async () => {
  await withNetns(1, async (netns) => {
    using netlink = openNetlink('route', netns);
    const calls = { stopping: 0, staying: 0, stopped: 0 };
    const watchLinks = (onChange: () => void) =>
      watchNetlinkGroups({ protocol: 'route', netns, groups: [GROUP.LINK], onChange });
    const stopping = watchLinks(() => {
      calls.stopping++;
      stopping.stop();
    });
    const staying = watchLinks(() => calls.staying++);
    watchLinks(() => calls.stopped++).stop();
    try {
      for (const name of ['a', 'b', 'c']) createBridge(netlink, name);
      await until(() => calls.stopping > 0 && calls.staying > 0);
      await sleep(20);
      assert.deepEqual(calls, { stopping: 1, staying: 1, stopped: 0 });
      createBridge(netlink, 'd');
      await until(() => calls.staying === 2);
      assert.equal(calls.stopping, 1);
    } finally {
      for (const watch of [stopping, staying]) watch.stop();
    }
  });
});

test('what a callback throws is an uncaught exception like any other, and later messages still come', async () => {
  await withNetns(1, ({ path }) => {
    const code = `
      import { openNetlink } from ${JSON.stringify(new URL('./netlink.ts', import.meta.url).href)};
      import { subscribeNetlink } from ${JSON.stringify(new URL('./subscription.ts', import.meta.url).href)};
      const { type, body } = JSON.parse(process.argv[1]);
      const netlink = openNetlink('route');
      process.on('uncaughtException', ({ message }) => console.log(message));
      let calls = 0;
      const watch = subscribeNetlink({
        protocol: 'route',
        groups: [5],
        onMessages() {
          if (++calls === 1) throw new Error('the first');
          console.log('call', calls);
          if (calls === 3) watch.stop();
        },
        onLost() {},
      });
      for (let last = 1; last <= 3; last++) {
        const bytes = Buffer.from(body);
        bytes[bytes.length - 1] = last;
        netlink.request({ type, flags: 0x400, body: bytes });
      }`;
    const header = { family: 'ipv4', prefixLength: 32, index: LOOPBACK } as const;
    const body = encodeBody(ifaddrmsg, header, addressAttributes, { local: '10.0.0.0' as never });
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
    const message = JSON.stringify({ type: RTM.NEWADDR, body: [...body] });
    const output = execFileSync('nsenter', [`--net=${path}`, process.execPath, ...flags, message], {
      timeout: 600_000,
    });
    assert.equal(output.toString(), 'the first\ncall 2\ncall 3\n');
  });
});
