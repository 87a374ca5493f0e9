import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parseIp, parsePrefix } from '@podwire/base';
import type { Node } from '@podwire/kube';
import { formatTable } from '@podwire/nft';
import type { Attachment } from './attachment.ts';
import { formatAlias, hostLinkName, parseAlias, podMac } from './attachment.ts';
import { ownNode, podsModel } from './model.ts';
import { planTables } from './plan.ts';
import { planWire } from './wire-plan.ts';

const SETTINGS = {
  podCidrs: [parsePrefix('10.244.0.0/16')],
  nonMasqueradeCidrs: ['10.244.9.0/24', '192.168.0.0/16'].map(parsePrefix),
};
const NODES: Node[] = [1, 2].map((n) => ({
  metadata: { name: `node-${n}` },
  spec: { podCIDRs: [`10.244.${n}.0/24`] },
  status: { addresses: [{ type: 'InternalIP', address: `172.30.0.1${n}` }] },
}));

function attachment(n: number, more: Partial<Attachment> = {}): Attachment {
  const [containerId, ifName, address] = [`c${n}`, 'eth0', parseIp(`10.244.1.${n}`)];
  return {
    ...{
      containerId,
      ifName,
      address,
      network: 'podwire',
      netnsPath: `/run/netns/c${n}`,
      mac: podMac(address),
      mtu: 1500,
    },
    ...{ wiring: 'ptp', hostLink: hostLinkName(containerId, ifName), hostPorts: [] },
    ...more,
  };
}
const MAPPED = attachment(3, {
  hostPorts: [
    { hostIp: undefined, protocol: 'tcp', hostPort: 8080, containerPort: 80 },
    { hostIp: parseIp('172.30.0.11'), protocol: 'udp', hostPort: 53, containerPort: 5353 },
  ],
});
const PORT = attachment(4, { wiring: 'bridge' });
const tables = (...attachments: Attachment[]) =>
  planTables(podsModel(SETTINGS, ownNode(SETTINGS, NODES[0]), NODES, attachments));
const golden = (name: string) => readFileSync(new URL(`../testdata/${name}`, import.meta.url), 'utf8');

describe('tables', () => {
  test('of two routed pods, one with host ports, and a bridge port', () => {
    assert.equal(tables(attachment(2), MAPPED, PORT).map(formatTable).join(''), golden('tables.nft'));
  });

  test('do not depend on the order of events, and have no bridge family without a port', () => {
    assert.deepEqual(tables(MAPPED, attachment(2)), tables(attachment(2), MAPPED));
    assert.deepEqual(
      tables(attachment(2)).map((t) => t.family),
      ['ip'],
    );
  });
});

describe('model', () => {
  test('a Node that is missing or wrong has no podCIDR', () => {
    assert.deepEqual(ownNode(SETTINGS, undefined), { podCidr: undefined, address: undefined });
    assert.equal(
      ownNode(SETTINGS, { spec: { podCIDRs: ['0.0.0.0/0', 'x', '10.244.7.0/24'] } }).podCidr,
      '10.244.7.0/24',
    );
  });

  test('prefixes inside others are left out, for an interval set refuses them', () => {
    const { noMasquerade } = podsModel(SETTINGS, ownNode(SETTINGS, NODES[0]), NODES, []);
    assert.deepEqual(noMasquerade, ['10.244.0.0/16', '172.30.0.11/32', '172.30.0.12/32', '192.168.0.0/16']);
  });
});

describe('wire', () => {
  const cidr = parsePrefix('10.244.1.0/24');

  test('ptp is a /32 and a next hop that no interface has', () => {
    const { pod, host } = planWire(attachment(2), cidr);
    assert.deepEqual([pod.address, pod.gateway, pod.gatewayMac], ['10.244.1.2/32', '169.254.1.1', 'ee:ee:ee:ee:ee:ee']);
    assert.deepEqual([host.route, host.bridge], ['10.244.1.2/32', undefined]);
  });

  test('bridge is an address of the podCIDR with cni0 as next hop', () => {
    const { pod, host } = planWire(PORT, cidr);
    assert.deepEqual([pod.address, pod.gateway, pod.gatewayMac], ['10.244.1.4/24', '10.244.1.1', '0a:58:0a:f4:01:01']);
    assert.deepEqual([host.route, host.bridge?.name, host.neighbourLink], [undefined, 'cni0', 'cni0']);
  });

  test('the alias of the host end gives the attachment back', () => {
    const { containerId, ifName, address, network } = attachment(2);
    assert.deepEqual(parseAlias(formatAlias(attachment(2))), { containerId, ifName, address, network });
    assert.equal(parseAlias('podwire pod c eth0 10.244.1.256 n'), undefined);
    const longest = { containerId: 'c'.repeat(128), ifName: 'i'.repeat(15), network: 'n'.repeat(63) };
    assert.ok(formatAlias(attachment(2, { ...longest, address: parseIp('255.255.255.255') })).length < 256);
    assert.match(attachment(2).hostLink, /^pwp[0-9a-f]{11}$/);
  });
});
