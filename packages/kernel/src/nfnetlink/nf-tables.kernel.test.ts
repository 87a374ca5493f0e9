import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { fuzzDecoder } from '../fuzz.ts';
import { type AttributesOf, type AttributeTable, encodeAttributes, readAttributes } from '../netlink/attribute.ts';
import { describeAttributes, formatAttributes } from '../netlink/attribute-text.ts';
import { openNetlink } from '../netlink/netlink.ts';
import type { Netns } from '../netns/netns.ts';
import { withNetns } from '../testing.ts';
import { nfnetlinkLayouts } from './layouts.ts';
import { NFT_MSG, nftChain, nftElements, nftGeneration, nftRule, nftSet, nftTable } from './nf-tables.ts';
import { nftExpressions } from './nf-tables-expression.ts';
import { nftObject } from './nf-tables-object.ts';
import { NFNL_SUBSYS, NFPROTO, nfnetlinkType } from './nfgenmsg.ts';

const RULESET = `
table inet t {
  comment "all of it"
  counter hits { packets 5 bytes 600 }
  quota cap { over 10 mbytes }
  limit slow { rate 10/second }
  ct helper ftp-helper { type "ftp" protocol tcp; }
  ct timeout patient { protocol tcp; policy = { established: 100, close: 4 }; }
  ct expectation guest { protocol tcp; dport 5432; timeout 1h; size 12; l3proto ip; }
  synproxy proxy { mss 1460; wscale 7; timestamp sack-perm; }
  set plain { type ipv4_addr; size 100; comment "named"; elements = { 10.0.0.1 comment "one", 10.0.0.2 } }
  set ranges { type ipv4_addr; flags interval; auto-merge; elements = { 10.1.0.0/16, 10.3.0.1-10.3.0.9 } }
  set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.1.0.0/16 . 80-90 } }
  set seen { type ipv4_addr; flags dynamic,timeout; timeout 1m; size 1000; }
  set counted { type ipv4_addr; counter; elements = { 10.0.0.7 counter packets 3 bytes 180 } }
  set fresh { type ipv4_addr; flags timeout; gc-interval 10s; elements = { 10.0.0.8 timeout 1h } }
  map verdicts { type inet_service : verdict; elements = { 22 : accept, 23 : jump sub } }
  map targets { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.0.0.1 . 8080 } }
  map counters { type ipv4_addr : counter; elements = { 10.0.0.1 : "hits" } }
  chain sub { comment "plain"; counter name "hits"; limit name "slow"; quota name "cap"; }
  chain in {
    type filter hook input priority -5; policy drop;
    ct state established,related accept comment "replies"
    tcp dport vmap @verdicts
    tcp dport { 80, 443, 8000-8010 } ip saddr != { 10.0.0.1, 10.0.0.2 } counter
    ip saddr . tcp dport @pairs meta mark set numgen random mod 4 offset 2
    ip saddr 10.0.0.0/9 meta length > 1000 udp dport 1-1024 drop
    update @seen { ip saddr timeout 5s limit rate 3/minute } reject with icmpx host-unreachable
    add @seen { ip saddr counter }
    fib saddr . iif oif missing drop
    fib daddr type local log prefix "x " level info flags ip options
    log group 3 snaplen 60 queue-threshold 5
    meta mark set jhash ip saddr . ip daddr mod 8 seed 0xbeef
    meta mark set symhash mod 2
    ct mark set mark and 0xff or 0x100
    ct original ip saddr 10.0.0.1 ct count over 20 reject with tcp reset
    udp sport != 5-9 exthdr frag exists frag more-fragments 1
    socket transparent 1 socket wildcard 0 osf name "Linux" synproxy mss 1400 wscale 5
    meta l4proto tcp synproxy name "proxy"
    ct helper set "ftp-helper"
    ct timeout set "patient" ct expectation set "guest"
    counter name ip saddr map @counters
    ip dscp set cs1 limit rate over 1 mbytes/second burst 5 kbytes
    meta hour "10:00"-"12:00" meta day "Monday" quota over 5 mbytes
    ipsec in ip saddr 10.0.0.1 meta priority set 1:2 meta nftrace set 1
  }
  chain pre { type nat hook prerouting priority dstnat; tcp dport 81 dnat ip to 10.0.0.1-10.0.0.9:80-90 random
    dnat ip addr . port to tcp dport map @targets
    tcp dport 82 redirect to :83; }
  chain post { type nat hook postrouting priority srcnat; snat ip to 10.0.0.1 fully-random,persistent
    meta l4proto tcp masquerade to :1024-2048 random; }
  chain out { type filter hook output priority 0; tcp option maxseg size 1-500 tcp option maxseg size set rt mtu; }
  chain raw { type filter hook prerouting priority raw; notrack
    meta l4proto tcp tproxy ip to 127.0.0.1:80; }
}
table netdev d { chain i { type filter hook ingress device lo priority 0; fwd to lo
  dup to lo; }
}
table arp a {
  chain o { type filter hook output priority 0; arp operation request drop; }
}
`;

/** Attributes as a tree without order and NESTED flags; what does not split into attributes is bytes. */
function treeOf(bytes: Buffer): unknown {
  try {
    const rows = readAttributes(bytes, 'bytes').filter(() => bytes.length % 4 === 0);
    if (rows.length > 0 && rows.every(({ type }) => type > 0 && type < 64))
      return rows.map(({ type, payload }) => JSON.stringify([type, treeOf(payload)])).sort();
  } catch {}
  return bytes.toString('hex');
}

const UNKNOWN = /"unknown":/;
const text = (value: unknown) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}` : v));

function bodies(netns: Netns | undefined, message: number, attributes?: Buffer): Buffer[] {
  const netlink = openNetlink('netfilter', netns);
  try {
    const body = attributes ? Buffer.concat([Buffer.from([NFPROTO.inet, 0, 0, 0]), attributes]) : Buffer.alloc(4);
    const type = nfnetlinkType(NFNL_SUBSYS.NFTABLES, message);
    return netlink.dump({ type, flags: 0, body }).map((answer) => answer.body.subarray(4));
  } finally {
    netlink.close();
  }
}

function check<R>(table: AttributeTable<R>, samples: readonly Buffer[]): AttributesOf<R>[] {
  assert.ok(samples.length > 0, table.name);
  const read = samples.map((bytes) => {
    const values = table.read(bytes);
    assert.doesNotMatch(text(values), UNKNOWN, formatAttributes(table, values));
    assert.deepEqual(treeOf(encodeAttributes(table, values)), treeOf(bytes));
    return values;
  });
  fuzzDecoder((bytes) => table.read(bytes), { samples, runs: 300 });
  return read;
}

test('everything the kernel lists of a ruleset is known, and encodes to the same attributes', () =>
  withNetns(1, (netns) => {
    execFileSync('ip', ['netns', 'exec', netns.name ?? '', 'nft', '-f', '-'], { input: RULESET });
    const iptables = '-t mangle -A PREROUTING -m length --length 10:20 -j CHECKSUM --checksum-fill'.split(' ');
    execFileSync('ip', ['netns', 'exec', netns.name ?? '', 'iptables-nft', ...iptables]);
    check(nftTable, bodies(netns, NFT_MSG.GETTABLE));
    check(nftChain, bodies(netns, NFT_MSG.GETCHAIN));
    check(nftObject, bodies(netns, NFT_MSG.GETOBJ));
    const sets = check(nftSet, bodies(netns, NFT_MSG.GETSET));
    const lists = sets.flatMap(({ table = '', name: set = '' }) =>
      bodies(netns, NFT_MSG.GETSETELEM, encodeAttributes(nftElements, { table, set })),
    );
    check(nftElements, lists);
    const rules = check(nftRule, bodies(netns, NFT_MSG.GETRULE));
    const seen = new Set(rules.flatMap(({ expressions = [] }) => expressions.map(({ name }) => name)));
    const missing = Object.keys(nftExpressions).filter((name) => !seen.has(name));
    assert.deepEqual(missing.sort(), [...['flow_offload', 'inner', 'last', 'queue', 'tunnel']]);
  }));

test('the layouts know every message, and every attribute has the name of the kernel', () => {
  const layouts = Object.values(nfnetlinkLayouts).filter(({ name }) => name.startsWith('NFT_MSG_'));
  assert.equal(layouts.length, Object.keys(NFT_MSG).length);
  for (const { name, table } of layouts) {
    const rows = describeAttributes(table as AttributeTable<object>);
    assert.ok(rows.length > 0, name);
    for (const { path, constant } of rows) assert.match(constant ?? '', /^(NFTA|CTA_TIMEOUT)_/, `${name} ${path}`);
  }
  assert.equal(nftGeneration.name, 'nft generation');
});
