import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { IpAddress } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import type { LinkSpec } from './link-creation.ts';
import { diffLinks } from './link-diff.ts';
import type { LinkSettings } from './link-settings.ts';
import { type Net, openNet } from './net.ts';

const ip = (text: string) => text as IpAddress;
const local = ip('192.0.2.1');
const remote = ip('192.0.2.2');
const local6 = ip('fd00::1');
const remote6 = ip('fd00::2');

/** A link as desired, as ip(8) makes and shows it, and what can be changed about it. */
export interface LinkCase {
  readonly spec: LinkSpec;
  /** Arguments of `ip link add` that make the same link. */
  readonly by: string;
  /** Part of `info_data` in `ip -d -j link show`. */
  readonly shown?: Readonly<Record<string, unknown>>;
  readonly change?: LinkSettings;
}

/** `base0` and `base1` are the ends of a veth pair that other links sit on. */
export const COMMON_LINKS: readonly LinkCase[] = [
  {
    spec: { name: 't0', kind: 'bridge', mtu: 1400, bridge: { stpState: 'kernel', ageingTime: 2000, priority: 100 } },
    by: 'mtu 1400 type bridge stp_state 1 ageing_time 2000 priority 100',
    shown: { stp_state: 1, ageing_time: 2000, priority: 100, vlan_filtering: 0 },
    change: { bridge: { multicastSnooping: false, multicastQueryInterval: 6000, groupAddress: '01:80:c2:00:00:0d' } },
  },
  {
    spec: {
      name: 't0',
      kind: 'vxlan',
      lower: 'base0',
      vxlan: { vni: 7, local, port: 4789, ttl: 9, tos: 4, ageing: 60 },
    },
    by: 'type vxlan id 7 local 192.0.2.1 dstport 4789 ttl 9 tos 4 ageing 60 dev base0',
    shown: { id: 7, local: '192.0.2.1', port: 4789, ttl: 9, ageing: 60, link: 'base0' },
    change: { vxlan: { ttl: 20, ageing: 90, learning: false } },
  },
  {
    spec: {
      name: 't0',
      kind: 'vxlan',
      lower: 'base0',
      vxlan: { vni: 8, group: ip('ff05::100'), port: 4790, portRange: { low: 3000, high: 4000 }, groupPolicy: true },
    },
    by: 'type vxlan id 8 group ff05::100 dstport 4790 srcport 3000 4000 gbp dev base0',
    shown: { id: 8, group6: 'ff05::100', port_range: { low: 3000, high: 4000 }, gbp: true },
  },
  {
    spec: { name: 't0', kind: 'vxlan', vxlan: { external: true, vniFilter: true, port: 4791, dontFragment: 'set' } },
    by: 'type vxlan external vnifilter dstport 4791 df set',
    shown: { external: true, vnifilter: true, df: 'set' },
  },
  {
    spec: { name: 't0', kind: 'macvlan', lower: 'base0', mac: '02:00:00:00:00:07', macvlan: { mode: 'private' } },
    by: 'link base0 address 02:00:00:00:00:07 type macvlan mode private',
    shown: { mode: 'private' },
    change: { macvlan: { mode: 'bridge' } },
  },
  {
    spec: { name: 't0', kind: 'macvtap', lower: 'base0', macvtap: { mode: 'vepa' } },
    by: 'link base0 type macvtap mode vepa',
    shown: { mode: 'vepa' },
  },
  { spec: { name: 't0', kind: 'ifb', txQueues: 2, rxQueues: 3 }, by: 'numtxqueues 2 numrxqueues 3 type ifb' },
  {
    spec: { name: 't0', kind: 'veth', peer: { name: 't1', mtu: 1300 }, txQueueLength: 77, group: 9, up: true },
    by: 'txqueuelen 77 type veth peer name t1 mtu 1300',
    change: { group: 5, arp: false, multicast: false, promiscuous: true, alias: 'some text', gsoMaxSize: 30000 },
  },
];

const tunnel = { local, remote, ttl: 9 };

/** Kinds that many kernels lack. */
export const RARE_LINKS: readonly LinkCase[] = [
  { spec: { name: 't0', kind: 'dummy', up: true }, by: 'type dummy', change: { mtu: 9000 } },
  { spec: { name: 't0', kind: 'nlmon' }, by: 'type nlmon' },
  { spec: { name: 't0', kind: 'wireguard', mtu: 1420 }, by: 'mtu 1420 type wireguard' },
  {
    spec: {
      name: 't0',
      kind: 'vlan',
      lower: 'base0',
      vlan: { id: 5, protocol: '802.1ad', egressQos: [{ from: 1, to: 2 }] },
    },
    by: 'link base0 type vlan id 5 protocol 802.1ad egress-qos-map 1:2',
    shown: { id: 5, protocol: '802.1ad', egress_qos: [{ from: 1, to: 2 }] },
  },
  { spec: { name: 't0', kind: 'vrf', vrf: { table: 77 } }, by: 'type vrf table 77', shown: { table: 77 } },
  {
    spec: { name: 't0', kind: 'ipvlan', lower: 'base0', ipvlan: { mode: 'l3s', flags: ['private'] } },
    by: 'link base0 type ipvlan mode l3s private',
    shown: { mode: 'l3s', private: true },
    change: { ipvlan: { mode: 'l2', flags: ['vepa'] } },
  },
  {
    spec: { name: 't0', kind: 'ipip', ipip: { ...tunnel, mark: 7 }, lower: 'base0' },
    by: 'type ipip local 192.0.2.1 remote 192.0.2.2 ttl 9 fwmark 7 dev base0',
    shown: { local: '192.0.2.1', remote: '192.0.2.2', ttl: 9, link: 'base0' },
    change: { ipip: { remote: ip('192.0.2.9') } },
  },
  {
    spec: { name: 't0', kind: 'sit', sit: { ...tunnel, tos: 4 } },
    by: 'type sit local 192.0.2.1 remote 192.0.2.2 ttl 9 tos 4',
    shown: { local: '192.0.2.1', remote: '192.0.2.2', ttl: 9 },
    change: { sit: { ttl: 20 } },
  },
  {
    spec: {
      name: 't0',
      kind: 'gre',
      gre: { ...tunnel, inputFlags: ['key'], inputKey: 7, outputFlags: ['checksum', 'key'], outputKey: 8 },
    },
    by: 'type gre local 192.0.2.1 remote 192.0.2.2 ttl 9 ikey 7 okey 8 ocsum',
    shown: { local: '192.0.2.1', ikey: '0.0.0.7', okey: '0.0.0.8' },
    change: { gre: { ttl: 20 } },
  },
  {
    spec: { name: 't0', kind: 'gretap', mac: '02:00:00:00:00:09', gretap: { local, remote, pathMtuDiscovery: false } },
    by: 'address 02:00:00:00:00:09 type gretap local 192.0.2.1 remote 192.0.2.2 nopmtudisc',
    shown: { remote: '192.0.2.2' },
    change: { gretap: { remote: ip('192.0.2.9') } },
  },
  {
    spec: { name: 't0', kind: 'gretap', gretap: { external: true } },
    by: 'type gretap external',
    shown: { external: true },
  },
  {
    spec: { name: 't0', kind: 'ip6tnl', ip6tnl: { local: local6, remote: remote6, protocol: 'any', encapLimit: 3 } },
    by: 'type ip6tnl local fd00::1 remote fd00::2 mode any encaplimit 3',
    shown: { local: 'fd00::1', remote: 'fd00::2', proto: 'any' },
  },
  {
    spec: { name: 't0', kind: 'ip6gre', ip6gre: { local: local6, remote: remote6, ttl: 7 } },
    by: 'type ip6gre local fd00::1 remote fd00::2 hoplimit 7',
    shown: { local: 'fd00::1', remote: 'fd00::2' },
  },
  {
    spec: { name: 't0', kind: 'ip6gretap', ip6gretap: { local: local6, remote: remote6 } },
    by: 'type ip6gretap local fd00::1 remote fd00::2',
    shown: { remote: 'fd00::2' },
  },
  {
    spec: { name: 't0', kind: 'geneve', geneve: { vni: 5, remote, ttl: 7, port: 6082, dontFragment: 'set' } },
    by: 'type geneve id 5 remote 192.0.2.2 ttl 7 dstport 6082 df set',
    shown: { id: 5, remote: '192.0.2.2', ttl: 7, port: 6082, df: 'set' },
    change: { geneve: { ttl: 20, remote: ip('192.0.2.9') } },
  },
  {
    spec: { name: 't0', kind: 'geneve', geneve: { vni: 6, remote: remote6, udp6ZeroChecksumRx: true } },
    by: 'type geneve id 6 remote fd00::2 udp6zerocsumrx',
    shown: { id: 6, remote6: 'fd00::2' },
  },
  {
    spec: { name: 't0', kind: 'vti', vti: { local, remote, inputKey: 3, outputKey: 3 } },
    by: 'type vti local 192.0.2.1 remote 192.0.2.2 key 3',
    shown: { remote: '192.0.2.2', ikey: '0.0.0.3' },
  },
  {
    spec: { name: 't0', kind: 'xfrm', lower: 'base0', xfrm: { interfaceId: 7 } },
    by: 'type xfrm dev base0 if_id 7',
    shown: { if_id: '0x7' },
  },
  {
    spec: {
      name: 't0',
      kind: 'bond',
      bond: { mode: '802.3ad', miiMonitor: 100, lacpRate: 'fast', hashPolicy: 'layer3+4' },
    },
    by: 'type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4',
    shown: { mode: '802.3ad', miimon: 100, ad_lacp_rate: 'fast', xmit_hash_policy: 'layer3+4' },
    change: { bond: { miiMonitor: 200 } },
  },
  {
    spec: { name: 't0', kind: 'bridge', bridge: { vlanFiltering: true, vlanDefaultPvid: 7, vlanProtocol: '802.1ad' } },
    by: 'type bridge vlan_filtering 1 vlan_default_pvid 7 vlan_protocol 802.1ad',
    shown: { vlan_filtering: 1, vlan_default_pvid: 7, vlan_protocol: '802.1ad' },
  },
];

const ipCommand = (netns: Netns, ...args: string[]) =>
  execFileSync('ip', ['-n', netns.name ?? '', ...args], { stdio: 'pipe' }).toString();

/** Runs `fn` in a namespace with base0 and base1, both up. */
export async function withBase(fn: (net: Net, netns: Netns) => void): Promise<void> {
  await withNetns(1, (netns) => {
    const net = openNet(netns);
    try {
      net.createLink({ name: 'base0', kind: 'veth', peer: { name: 'base1' } });
      for (const name of ['base0', 'base1']) net.setLink(name, { up: true, addressGeneration: 'none' });
      fn(net, netns);
    } finally {
      net.close();
    }
  });
}

/** What we make is what ip(8) shows and what we read; what ip(8) makes we read; both can be changed. */
export function assertLink(net: Net, netns: Netns, { spec, by, shown, change }: LinkCase): void {
  net.createLink(spec);
  const readable = ({ peer: _, ...rest }: LinkSpec) => rest;
  assert.partialDeepStrictEqual(net.link('t0'), readable(spec));
  assert.deepEqual(diffLinks([spec], net.links(), { prefix: 't0' }), { remove: [], create: [], change: [] });
  const [listed] = JSON.parse(ipCommand(netns, '-d', '-j', 'link', 'show', 'dev', 't0'));
  assert.equal(listed.linkinfo.info_kind, spec.kind);
  assert.partialDeepStrictEqual(listed.linkinfo.info_data ?? {}, shown ?? {});
  if (change) assertChange(net, spec, change);
  assert.equal(net.deleteLink('t0'), true);
  ipCommand(netns, 'link', 'add', 't0', ...by.split(' '));
  if (spec[spec.kind as 'vxlan']) {
    const read = net.link('t0');
    const kind = spec.kind as 'vxlan';
    assert.partialDeepStrictEqual(read?.[kind], spec[kind]);
    assert.equal(read?.lower, spec.lower);
  }
  net.deleteLink('t0');
}

function assertChange(net: Net, spec: LinkSpec, change: LinkSettings): void {
  const kind = spec.kind as 'vxlan';
  const merged = {
    ...spec,
    ...change,
    ...(change[kind] && { [kind]: { ...spec[kind], ...change[kind] } }),
  } as LinkSpec;
  const difference = diffLinks([merged], net.links(), {});
  assert.deepEqual([difference.remove, difference.create], [[], []]);
  assert.deepEqual(difference.change, [{ name: 't0', settings: change }]);
  assert.deepEqual(
    net.applyLinks(difference).map(({ name, action, error }) => ({ name, action, error })),
    [{ name: 't0', action: 'change', error: undefined }],
  );
  assert.deepEqual(diffLinks([merged], net.links(), {}).change, []);
}
