import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import type { IpAddress, Prefix } from '@podwire/base';
import { checkCall, isErrno } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { libc } from '../libc.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import type { Netns } from '../netns/netns.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { bindUdpFd } from '../socket/udp-socket.ts';
import { withNetns } from '../testing.ts';
import {
  createXfrmPolicy,
  decodeXfrmPolicy,
  deleteXfrmPolicy,
  flushXfrmPolicies,
  getXfrmPolicy,
  listXfrmPolicies,
  replaceXfrmPolicy,
  type XfrmPolicySpec,
} from './xfrm-policy.ts';
import { flushXfrmStates, getXfrmState, listXfrmStates } from './xfrm-state.ts';
import { userpolicyInfo, XFRM_MSG } from './xfrm-table.ts';

async function withXfrm(fn: (netlink: Netlink<'xfrm'>, netns: Netns) => void): Promise<void> {
  await withNetns(1, (netns) => {
    const netlink = openNetlink('xfrm', netns);
    try {
      fn(netlink, netns);
    } finally {
      netlink.close();
    }
  });
}

const ip = (netns: Netns, words: string) =>
  execFileSync('ip', ['-n', netns.name ?? '', 'xfrm', ...words.split(' ')]).toString();

const [near, far] = ['192.0.2.1' as IpAddress, '192.0.2.2' as IpAddress];
const tunnel: XfrmPolicySpec = {
  selector: { source: '10.1.0.0/24' as Prefix, destination: '10.2.0.0/16' as Prefix, protocol: 6, destinationPort: 80 },
  direction: 'out',
  priority: 77,
  mark: { value: 6, mask: 0xff },
  interfaceId: 5,
  templates: [{ source: near, destination: far, protocol: 'esp', mode: 'tunnel', reqid: 9, spi: 0x1000 }],
  lifetime: { hardPackets: 1000n, softAddSeconds: 60n, hardAddSeconds: 90n },
};
const block: XfrmPolicySpec = {
  selector: { source: '::/0' as Prefix, destination: 'fd00::/64' as Prefix },
  direction: 'forward',
  action: 'block',
};

test('policies as ip shows them, and as they were said', { skip: lacking('xfrm') }, async () => {
  await withXfrm((netlink, netns) => {
    createXfrmPolicy(netlink, tunnel);
    createXfrmPolicy(netlink, block);
    const shown = ip(netns, 'policy').replaceAll(/\s+/g, ' ');
    assert.ok(shown.includes('src 10.1.0.0/24 dst 10.2.0.0/16 proto tcp dport 80 dir out priority 77'), shown);
    assert.ok(
      shown.includes('mark 0x6/0xff tmpl src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x00001000 reqid 9 mode tunnel'),
      shown,
    );
    assert.ok(shown.includes('if_id 0x5') && shown.includes('dst fd00::/64 dir fwd action block'), shown);
    const read = listXfrmPolicies(netlink);
    assert.equal(read.length, 2);
    assert.partialDeepStrictEqual(
      read.find((policy) => policy.direction === 'out'),
      tunnel,
    );
    assert.partialDeepStrictEqual(
      read.find((policy) => policy.direction === 'forward'),
      block,
    );
    assert.throws(
      () => createXfrmPolicy(netlink, tunnel),
      (error) => isErrno(error, 'EEXIST') && error.op === 'create xfrm policy out from 10.1.0.0/24 to 10.2.0.0/16',
    );
    replaceXfrmPolicy(netlink, { ...tunnel, priority: 88 });
    assert.equal(getXfrmPolicy(netlink, tunnel)?.priority, 88);
    deleteXfrmPolicy(netlink, tunnel);
    assert.equal(getXfrmPolicy(netlink, tunnel), undefined);
    flushXfrmPolicies(netlink);
    flushXfrmPolicies(netlink);
    assert.deepEqual(listXfrmPolicies(netlink), []);
  });
});

test('policies that ip wrote', { skip: lacking('xfrm') }, async () => {
  await withXfrm((netlink, netns) => {
    const words = 'policy add src 10.1.0.0/24 dst 10.2.0.0/16 proto udp sport 53 dir in priority 3';
    ip(netns, `${words} tmpl src 192.0.2.2 dst 192.0.2.1 proto ah reqid 4 mode transport level use`);
    assert.partialDeepStrictEqual(listXfrmPolicies(netlink)[0], {
      selector: { source: '10.1.0.0/24', destination: '10.2.0.0/16', protocol: 17, sourcePort: 53 },
      direction: 'in',
      action: 'allow',
      priority: 3,
      templates: [{ source: far, destination: near, protocol: 'ah', mode: 'transport', reqid: 4, optional: true }],
    });
  });
});

/** setsockopt(2) IP_XFRM_POLICY: a policy of one socket, to let its packets out as they are. */
function setSocketPolicy(fd: number): void {
  const info = Buffer.alloc(userpolicyInfo.size);
  info.writeUInt16LE(2, 40);
  info.writeUInt8(1, 160);
  checkCall(libc.setsockopt(fd, 0, 17, info, info.length), () => 'set IP_XFRM_POLICY');
}

test('policies of single sockets are not listed', { skip: lacking('xfrm') }, async () => {
  await withXfrm((netlink, netns) => {
    const fd = bindUdpFd({ netns, address: '127.0.0.1', port: 500 });
    try {
      setSocketPolicy(fd);
      assert.match(ip(netns, 'policy'), /socket out/);
      assert.deepEqual(listXfrmPolicies(netlink), []);
    } finally {
      libc.close(fd);
    }
  });
});

test('a limit of no bytes at all is read back, a time of zero seconds is none', { skip: lacking('xfrm') }, async () => {
  await withXfrm((netlink) => {
    const lifetime = { hardBytes: 0n, softPackets: 0n, hardUseSeconds: 0n, hardAddSeconds: 5n };
    createXfrmPolicy(netlink, { ...block, lifetime });
    assert.deepEqual(getXfrmPolicy(netlink, block)?.lifetime, { hardBytes: 0n, softPackets: 0n, hardAddSeconds: 5n });
  });
});

test('an empty state database, and values that do not fit', { skip: lacking('xfrm') }, async () => {
  await withXfrm((netlink) => {
    assert.deepEqual(listXfrmStates(netlink), []);
    flushXfrmStates(netlink);
    assert.equal(getXfrmState(netlink, { destination: far, spi: 256, protocol: 'esp' }), undefined);
    const mixed = { source: '10.0.0.0/8' as Prefix, destination: 'fd00::/8' as Prefix };
    assert.throws(() => createXfrmPolicy(netlink, { selector: mixed, direction: 'in' }), {
      code: 'KERNEL_ENCODE',
      message: /selector/,
    });
  });
});

test('damaged policies throw nothing but DecodeError', { skip: lacking('xfrm') }, async () => {
  await withXfrm((netlink) => {
    for (const policy of [tunnel, block]) createXfrmPolicy(netlink, policy);
    const answers = netlink.dump({ type: XFRM_MSG.GETPOLICY, flags: 0, body: Buffer.alloc(0) });
    fuzzDecoder(decodeXfrmPolicy, { samples: answers.map(({ body }) => body), runs: 500 });
  });
});
