import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { isErrno } from '../errors.ts';
import { encodeAttributes } from '../netlink/attribute.ts';
import { ByteWriter } from '../netlink/byte-writer.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { attributesAfter } from '../netlink/netlink-message.ts';
import type { Netns } from '../netns/netns.ts';
import { rtnetlinkLayouts } from './layouts.ts';
import { RTM } from './message-type.ts';

/** A namespace full of things that most kernels have. */
export const COMMON_LINES: readonly string[] = [
  'link add v0 txqueuelen 77 mtu 1400 address 02:00:00:00:00:01 type veth peer name v1',
  'link property add dev v0 altname cable-of-the-left altname second',
  'link add br0 type bridge ageing_time 3000 mcast_querier 1',
  'link set br0 type bridge vlan_filtering 1 vlan_stats_enabled 1',
  'link set v0 master br0 alias "to v1" group 7',
  'link add vx0 type vxlan id 7 local 192.0.2.1 dstport 4789 dev br0 ttl 9 tos 4 gbp ageing 60 maxaddress 99 srcport 3000 4000 df set',
  'link add vx6 type vxlan id 8 group ff05::100 local fd00::1 dev br0 dstport 4790 udp6zerocsumrx udp6zerocsumtx nolearning',
  'link add vxm type vxlan external vnifilter dstport 4791',
  'link add mv0 link v1 type macvlan mode source macaddr set 02:00:00:00:00:10 02:00:00:00:00:11',
  'link add mt0 link v1 type macvtap mode bridge',
  'link add ifb0 numtxqueues 2 numrxqueues 3 type ifb',
  'link set v0 up',
  'link set v1 up',
  'link set br0 up',
  'addr add 192.0.2.1/24 brd + dev br0 label br0:one',
  'addr add 198.51.100.1 peer 198.51.100.2/32 dev br0 valid_lft 1000 preferred_lft 500 noprefixroute',
  'addr add fd00::1/64 dev br0 nodad',
  'route add 10.0.0.0/8 via 192.0.2.7 proto 99 metric 5 mtu lock 1300 advmss 1200 hoplimit 9 initcwnd 11 congctl cubic features ecn',
  'route add 10.1.0.0/16 nexthop via 192.0.2.7 weight 3 nexthop via 192.0.2.8 onlink dev br0',
  'route add 10.2.0.0/16 via inet6 fd00::9 dev br0 table 1000',
  'route add blackhole 10.3.0.0/16',
  'route add 10.4.0.0/16 encap ip id 77 dst 192.0.2.8 ttl 4 dev br0',
  'route add fd01::/64 encap seg6 mode encap segs fd00::2,fd00::3 dev br0',
  'route add fd02::/64 nexthop via fd00::2 dev br0 nexthop via fd00::3 dev br0 weight 7',
  'route add fd03::/64 via fd00::2 dev br0 expires 900 pref high',
  'route add unreachable fd04::/64 metric 9',
  'nexthop add id 1 via 192.0.2.5 dev br0 protocol 44',
  'nexthop add id 2 via 192.0.2.6 dev br0',
  'nexthop add id 3 blackhole',
  'nexthop add id 10 group 1,4/2',
  'nexthop add id 11 group 1/2 type resilient buckets 8 idle_timer 60',
  'route add 10.5.0.0/16 nhid 10',
  'neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev br0 router extern_learn protocol 9',
  'neigh add proxy 192.0.2.10 dev br0',
  'rule add from 10.0.0.0/8 to 10.9.0.0/16 iif v0 fwmark 0x10/0xf0 table 1000 priority 50 protocol 77 suppress_prefixlength 0',
  'rule add oif v1 uidrange 1000-2000 ipproto tcp sport 1000-2000 dport 80 table 10 priority 51 tos 0x10',
  'rule add not from 10.1.1.1 prohibit priority 52 tun_id 7',
  'rule add goto 100 priority 53',
  'rule add l3mdev priority 54',
  'link set br0 type bridge stp_state 1',
];

/** Kinds of links and encapsulations that many kernels lack; run after COMMON_LINES. */
export const RARE_LINES: readonly string[] = [
  'link set br0 type bridge vlan_filtering 1 vlan_stats_enabled 1',
  'link add d0 type dummy',
  'link add vlan0 link v1 type vlan id 5 protocol 802.1ad reorder_hdr off gvrp on ingress-qos-map 1:2 3:4 egress-qos-map 1:2',
  'link add vrf0 type vrf table 77',
  'link set d0 master vrf0',
  'link add d1 type dummy',
  'link add ipv0 link d1 type ipvlan mode l3s private',
  'link add ipt0 type ipip local 192.0.2.1 remote 192.0.2.2 ttl 9 fwmark 7 dev br0',
  'link add gre0x type gre local 192.0.2.1 remote 192.0.2.3 key 7 csum seq',
  'link add gretap0x type gretap local 192.0.2.1 remote 192.0.2.4 ikey 1 okey 2 nopmtudisc',
  'link add grex type gretap external',
  'link add sit0x type sit local 192.0.2.1 remote 192.0.2.5 ttl 5 6rd-prefix 2001:db8::/32',
  'link add ip6t0x type ip6tnl local fd00::1 remote fd00::2 mode any encaplimit 3 flowlabel 0x12345',
  'link add ip6g0x type ip6gre local fd00::1 remote fd00::3 key 9',
  'link add ip6gt0x type ip6gretap local fd00::1 remote fd00::4 hoplimit 9',
  'link add erspan0x type erspan local 192.0.2.1 remote 192.0.2.6 seq key 5 erspan_ver 2 erspan_dir egress erspan_hwid 3',
  'link add gnv0 type geneve id 5 remote 192.0.2.9 ttl 7 dstport 6082 udpcsum df set',
  'link add gnv6 type geneve id 6 remote fd00::9 ttl inherit udp6zerocsumrx',
  'link add gnvx type geneve external dstport 6083',
  'link add vti0x type vti local 192.0.2.1 remote 192.0.2.7 key 3',
  'link add vti6x type vti6 local fd00::1 remote fd00::7 key 3',
  'link add xfrm0 type xfrm dev v1 if_id 7',
  'link add wg0 type wireguard',
  'link add bond0x type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4',
  'link add bond1x type bond mode active-backup arp_interval 100 arp_ip_target 192.0.2.1,192.0.2.2',
  'link add nl0 type nlmon',
  'route add 10.20.0.0/16 encap mpls 100/200 via inet 192.0.2.7 dev br0',
  'route add fd20::/64 encap ip6 id 7 dst fd00::9 dev br0',
  'route add fd21::/64 encap seg6local action End.DT6 table 10 dev br0',
  'route add fd22::/64 encap ioam6 mode inline trace prealloc type 0x800000 ns 1 size 12 dev br0',
];

/** Every list that rtnetlink keeps: type of the request, its header with a family. */
const DUMPS: readonly [type: number, family: number][] = [
  [RTM.GETLINK, 0],
  [RTM.GETLINK, 7],
  [RTM.GETADDR, 0],
  [RTM.GETROUTE, 2],
  [RTM.GETROUTE, 10],
  [RTM.GETRULE, 2],
  [RTM.GETRULE, 10],
  [RTM.GETNEIGH, 0],
  [RTM.GETNEIGH, 7],
  [RTM.GETNEIGHTBL, 0],
  [RTM.GETNETCONF, 2],
  [RTM.GETNETCONF, 10],
  [RTM.GETNSID, 0],
  [RTM.GETNEXTHOP, 0],
];

export interface KernelMessage {
  readonly type: number;
  readonly body: Buffer;
}

/** What the kernel tells of the namespace: one body per object. */
export function dumpAll(netns: Netns): KernelMessage[] {
  const netlink = openNetlink('route', netns);
  try {
    return DUMPS.flatMap(([type, family]) => {
      const size = (layoutOf(type).header.size + 3) & ~3;
      const body = Buffer.alloc(size);
      body[0] = family;
      try {
        return netlink.dump({ type, flags: 0, body }).map((answer) => ({ type: answer.type, body: answer.body }));
      } catch (error) {
        if (isErrno(error, 'EOPNOTSUPP', 'EAFNOSUPPORT')) return [];
        throw error;
      }
    });
  } finally {
    netlink.close();
  }
}

export function layoutOf(type: number) {
  return rtnetlinkLayouts[type] ?? assert.fail(`no layout of message type ${type}`);
}

export function decode({ type, body }: KernelMessage): { header: object; values: object } {
  const { header, table } = layoutOf(type);
  return { header: header.read(body), values: table.read(attributesAfter(body, header.size)) };
}

/** Decodes a message, encodes it again and compares. The order of attributes and the NESTED flag may differ. */
export function assertRoundTrip(message: KernelMessage): void {
  const { header, table, name } = layoutOf(message.type);
  const { header: fields, values } = decode(message);
  const out = new ByteWriter();
  (header as unknown as { write(out: ByteWriter, value: object): void }).write(out, fields);
  assert.deepEqual(out.finish(), message.body.subarray(0, header.size), name);
  const bytes = encodeAttributes(table as never, values as never);
  assert.deepEqual(table.read(bytes), values, name);
  const before = attributesAfter(message.body, header.size);
  assert.deepEqual(payloadSizes(bytes), payloadSizes(before), `${name} ${JSON.stringify(fields)}`);
}

/** Type and length of the outermost attributes; padding attributes (type 0 and *_PAD) carry nothing. */
function payloadSizes(bytes: Buffer): string[] {
  const sizes: string[] = [];
  for (let at = 0; bytes.length - at >= 4; ) {
    const length = bytes.readUInt16LE(at);
    sizes.push(`${bytes.readUInt16LE(at + 2) & 0x3fff}: ${length}`);
    at += Math.max(4, (length + 3) & ~3);
  }
  return sizes.sort();
}

/** Runs lines of ip(8) in the namespace, e.g. `link add v0 type veth`; gives what it says of lines the kernel refuses. */
export function ipBatch(netns: Netns, lines: readonly string[]): string {
  const options = { input: `${lines.join('\n')}\n` };
  return spawnSync('ip', ['-n', netns.name ?? '', '-force', '-batch', '-'], options).stderr.toString();
}
