import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import { isErrno } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { encodeBody } from '../netlink/netlink-message.ts';
import type { Netns } from '../netns/netns.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { withNetns } from '../testing.ts';
import { getLinkFeatures, getLinkRings, getLinkState, setLinkFeatures } from './ethtool.ts';
import { ETHTOOL_MSG, featureAttributes, ringAttributes } from './ethtool-table.ts';
import { decodeGeneric, openGenericFamily } from './generic-family.ts';
import { controlAttributes, genlmsghdr } from './generic-table.ts';

async function withVeth(fn: (netlink: Netlink<'generic'>, netns: Netns) => void): Promise<void> {
  await withNetns(1, (netns) => {
    execFileSync('ip', ['-n', netns.name ?? '', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']);
    const netlink = openNetlink('generic', netns);
    try {
      fn(netlink, netns);
    } finally {
      netlink.close();
    }
  });
}

test('a family is found by its name, and once for each socket', { skip: lacking('ethtool') }, async () => {
  await withVeth((netlink) => {
    const control = openGenericFamily(netlink, 'nlctrl');
    assert.partialDeepStrictEqual(control, { name: 'nlctrl', id: 16 });
    assert.ok((control.groups['notify'] ?? 0) > 0);
    assert.ok(control.operations.some(({ command }) => command === 3));
    const ethtool = openGenericFamily(netlink, 'ethtool');
    assert.ok(ethtool.id > 16 && 'monitor' in ethtool.groups);
    assert.equal(openGenericFamily(netlink, 'ethtool'), ethtool);
    assert.throws(
      () => openGenericFamily(netlink, 'nosuchfamily'),
      (error) =>
        hasCode(error, 'KERNEL_NO_FAMILY') && /nosuchfamily.*load the kernel module/.test((error as Error).message),
    );
  });
});

test('features of a link, as ethtool reads and sets them', { skip: lacking('ethtool') }, async () => {
  await withVeth((netlink, netns) => {
    const shown = () => netns.run(() => execFileSync('ethtool', ['--json', '-k', 'v0']).toString());
    const features = getLinkFeatures(netlink, 'v0');
    const [theirs] = JSON.parse(shown()) as [Record<string, { active: boolean; fixed: boolean }>];
    for (const name of ['tx-checksum-ip-generic', 'highdma', 'tx-nocache-copy', 'rx-vlan-filter'])
      assert.partialDeepStrictEqual(features.get(name), {
        active: theirs[name]?.active ?? 'not shown',
        fixed: theirs[name]?.fixed ?? 'not shown',
      });
    assert.deepEqual(setLinkFeatures(netlink, 'v0', { 'tx-checksum-ip-generic': false }), []);
    assert.deepEqual(getLinkFeatures(netlink, 'v0').get('tx-checksum-ip-generic'), {
      active: false,
      wanted: false,
      fixed: false,
    });
    assert.equal(JSON.parse(shown())[0]['tx-checksum-ip-generic'].active, false);
    assert.deepEqual(setLinkFeatures(netlink, 'v0', { 'rx-vlan-filter': true }), ['rx-vlan-filter']);
    assert.throws(
      () => setLinkFeatures(netlink, 'v0', { nosuchfeature: true }),
      (error) => isErrno(error, 'EINVAL', 'EOPNOTSUPP') && error.op === 'set the features of link v0',
    );
    assert.throws(
      () => getLinkFeatures(netlink, 'nosuch0'),
      (error) => isErrno(error, 'ENODEV'),
    );
    const ip = (...args: string[]) => execFileSync('ip', ['-n', netns.name ?? '', 'link', 'set', ...args]);
    assert.equal(getLinkState(netlink, 'v0'), false);
    for (const link of ['v0', 'v1']) ip(link, 'up');
    assert.equal(getLinkState(netlink, 'v0'), true);
    assert.throws(
      () => getLinkRings(netlink, 'lo'),
      (error) => isErrno(error, 'EOPNOTSUPP'),
    );
  });
});

test('a refusal names the attributes of its own command, whatever was asked before and after', {
  skip: lacking('ethtool'),
}, async () => {
  await withVeth((netlink) => {
    const ethtool = openGenericFamily(netlink, 'ethtool');
    const header = { name: 'v0' };
    const wrong = ethtool.message({
      command: ETHTOOL_MSG.FEATURES_SET,
      table: featureAttributes,
      values: { header, wanted: { bits: [{ name: 'nosuchfeature', value: true as const }] } },
      op: 'set',
    });
    const rings = { command: ETHTOOL_MSG.RINGS_GET, table: ringAttributes, values: { header }, op: 'get' };
    const [refusal] = netlink.batch([wrong, ethtool.message(rings)]);
    assert.match(refusal?.attribute ?? '', /^ETHTOOL_A_FEATURES_WANTED ETHTOOL_A_BITSET_BITS\b/);
  });
});

test('damaged messages throw nothing but DecodeError', { skip: lacking('ethtool') }, async () => {
  await withVeth((netlink) => {
    const ethtool = openGenericFamily(netlink, 'ethtool');
    const values = { header: { name: 'v0' } };
    const request = { command: ETHTOOL_MSG.FEATURES_GET, table: featureAttributes, values, op: 'sample' };
    const features = netlink.request(ethtool.message(request)).map(({ body }) => body);
    fuzzDecoder((bytes) => decodeGeneric(bytes, featureAttributes), { samples: features, runs: 300 });
    const body = encodeBody(genlmsghdr, { command: 3, version: 1 }, controlAttributes, { name: 'ethtool' });
    const control = netlink.request({ type: 16, flags: 0, body }).map((answer) => answer.body);
    fuzzDecoder((bytes) => decodeGeneric(bytes, controlAttributes), { samples: control, runs: 300 });
  });
});
