import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import type { Prefix } from '@podwire/base';
import { fuzzDecoder } from '../fuzz.ts';
import { libc } from '../libc.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { withNetns } from '../testing.ts';
import type { TcActionSpec } from './tc-action.ts';
import { createFilter, decodeFilter, deleteFilter, listFilters, type TcFilterKind } from './tc-filter.ts';
import { u32Keys } from './tc-match.ts';
import { TC_PROBES } from './tc-probe.ts';
import { createQdisc, decodeQdisc, deleteQdisc, listQdiscs, type QdiscKind, replaceQdisc } from './tc-qdisc.ts';
import { dumpTc } from './tc-table.ts';

interface Bench {
  readonly netlink: Netlink<'route'>;
  readonly link: number;
  readonly other: number;
  tc(...args: string[]): Record<string, unknown>[];
  /** The filters of arriving packets as text, which tells more than JSON. */
  show(): string;
}

async function withLink(fn: (bench: Bench) => void): Promise<void> {
  await withNetns(1, (netns) => {
    const name = netns.name ?? '';
    const create = ['link', 'add', 'v0', 'numtxqueues', '4', 'type', 'veth', 'peer', 'name', 'v1'];
    execFileSync('ip', ['-n', name, ...create]);
    const netlink = openNetlink('route', netns);
    const index = (link: string) => netns.run(() => libc.if_nametoindex(link));
    const tc = (...args: string[]) => {
      const out = execFileSync('tc', ['-n', name, '-j', '-d', ...args]).toString();
      return out.trim() === '' ? [] : JSON.parse(out);
    };
    const show = () => execFileSync('tc', ['-n', name, '-d', 'filter', 'show', 'dev', 'v0', 'ingress']).toString();
    try {
      fn({ netlink, link: index('v0'), other: index('v1'), tc, show });
    } finally {
      netlink.close();
    }
  });
}

/** What we write, as tc shows it; and what tc writes the same way, as we read it. */
const QDISCS: readonly { readonly spec: QdiscKind; readonly tc: string; readonly shown?: Record<string, unknown> }[] = [
  { spec: { kind: 'noqueue' }, tc: 'noqueue' },
  { spec: { kind: 'pfifo', options: { limit: 77 } }, tc: 'pfifo limit 77', shown: { limit: 77 } },
  { spec: { kind: 'bfifo', options: { limit: 7700 } }, tc: 'bfifo limit 7700', shown: { limit: 7700 } },
  {
    spec: { kind: 'prio', options: { bands: 3, priomap: [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] } },
    tc: 'prio',
    shown: { bands: 3, priomap: [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] },
  },
  {
    spec: {
      kind: 'fq_codel',
      options: { target: 5000, limit: 500, interval: 50_000, ecn: 1, flows: 64, quantum: 300 },
    },
    tc: 'fq_codel target 5ms interval 50ms limit 500 flows 64 quantum 300 ecn',
    shown: { limit: 500, flows: 64, quantum: 300, target: 5000, interval: 50_000, ecn: true },
  },
  {
    spec: { kind: 'fq', options: { limit: 500, flowLimit: 50, quantum: 3000, pacing: 1, maxRate: 8e6 } },
    tc: 'fq limit 500 flow_limit 50 quantum 3000 maxrate 8mbit',
    shown: { limit: 500, flow_limit: 50, quantum: 3000, maxrate: 1e6 },
  },
  {
    spec: {
      kind: 'netem',
      options: {
        delay: 20_000,
        jitter: 1000,
        delayCorrelation: 0.25,
        loss: { probability: 0.1, correlation: 0.5 },
        duplicate: { probability: 0.01 },
        corrupt: { probability: 0.02 },
        reorder: { probability: 0.25, correlation: 0.5, gap: 1 },
        rate: 8e6,
        limit: 50,
      },
    },
    tc: 'netem limit 50 delay 20ms 1ms 25% loss 10% 50% duplicate 1% corrupt 2% reorder 25% 50% rate 8mbit',
    shown: {
      limit: 50,
      delay: { delay: 0.02, jitter: 0.001, correlation: 0.25 },
      duplicate: { duplicate: 0.01, correlation: 0 },
      rate: { rate: 1e6 },
      corrupt: { corrupt: 0.02, correlation: 0 },
      'loss-random': { loss: 0.1, correlation: 0.5 },
      reorder: { reorder: 0.25, correlation: 0.5 },
      gap: 1,
    },
  },
];

/** What the kernel rounds to its steps (2^-32 for chances, 1.024 us for fq_codel's times) compares equal. */
function rounded(value: unknown): unknown {
  const round = (part: unknown) => (typeof part === 'number' ? Number(part.toPrecision(3)) : part);
  return JSON.parse(JSON.stringify(value, (_, part) => round(part)));
}

for (const { spec, tc: words, shown } of QDISCS) {
  test(`qdisc ${spec.kind} as tc reads and writes it`, async () => {
    await withLink(({ netlink, link, tc }) => {
      createQdisc(netlink, { link, handle: spec.kind === 'noqueue' ? 'none' : '1:', ...spec });
      const row = tc('qdisc', 'show', 'dev', 'v0')[0];
      const expectedRow = { kind: spec.kind, root: true, ...(shown && { options: shown }) };
      assert.partialDeepStrictEqual(rounded(row), rounded(expectedRow));
      const mine = listQdiscs(netlink, link)[0];
      assert.partialDeepStrictEqual(rounded(mine && { ...mine, stats: undefined }), rounded(spec));
      if (spec.kind !== 'noqueue') {
        deleteQdisc(netlink, { link });
        tc('qdisc', 'add', 'dev', 'v0', 'root', 'handle', '2:', ...words.split(' '));
        const theirs = listQdiscs(netlink, link)[0];
        const expected = rounded({ ...spec, handle: '2:' });
        assert.partialDeepStrictEqual(rounded(theirs && { ...theirs, stats: undefined }), expected);
      }
    });
  });
}

test('mq has a child for every queue', async () => {
  await withLink(({ netlink, link }) => {
    replaceQdisc(netlink, { link, handle: '1:', kind: 'mq' });
    assert.ok(listQdiscs(netlink, link).some(({ kind, parent }) => kind === 'mq' && parent === 'root'));
  });
});

const destination = '10.1.0.0/16' as Prefix;
const drop = { kind: 'gact', verdict: 'drop' } as const;
const source = 'fd00:1::/32' as Prefix;

test('filters and their actions as tc shows them, and as they were said', async () => {
  await withLink(({ netlink, link, other, tc, show }) => {
    createQdisc(netlink, { link, kind: 'clsact' });
    const filters: readonly (TcFilterKind & { readonly etherType: 'all' | 'ip' | 'ipv6' })[] = [
      { etherType: 'all', kind: 'matchall', actions: [drop] },
      { etherType: 'ip', kind: 'u32', keys: u32Keys({ destination, protocol: 17 }), actions: [drop] },
      { etherType: 'ipv6', kind: 'u32', keys: u32Keys({ source }), classId: '1:1' },
      {
        etherType: 'ip',
        kind: 'flower',
        match: { protocol: 'tcp', destination, destinationPort: 443, sourcePort: 9 },
        actions: [{ kind: 'mirred', effect: 'egress redirect', link: other, verdict: 'stolen' }],
      },
      {
        etherType: 'ipv6',
        kind: 'flower',
        match: { source, destinationMac: '02:00:00:00:00:01' },
        actions: [
          { kind: 'skbedit', mark: 7, priority: 3, verdict: 'pipe' },
          { kind: 'police', rate: 8e6, burst: 20_000, mtu: 2000, exceed: 'drop', conform: 'pass' },
        ],
      },
    ];
    for (const [i, filter] of filters.entries())
      createFilter(netlink, { link, parent: 'ingress', priority: i + 1, ...filter });
    const read = listFilters(netlink, { link, parent: 'ingress' }).filter((row) => !('divisor' in row));
    assert.equal(read.length, filters.length);
    for (const [i, filter] of filters.entries())
      assert.partialDeepStrictEqual(read[i], { link, parent: 'ingress', priority: i + 1, ...filter });
    const rows = tc('filter', 'show', 'dev', 'v0', 'ingress').filter((row) => 'options' in row);
    const flower = rows.find((row) => row['kind'] === 'flower' && row['pref'] === 4);
    assert.partialDeepStrictEqual(flower, {
      protocol: 'ip',
      options: {
        keys: { eth_type: 'ipv4', ip_proto: 'tcp', dst_ip: '10.1.0.0/16', src_port: 9, dst_port: 443 },
        actions: [{ kind: 'mirred', mirred_action: 'redirect', direction: 'egress', to_dev: 'v1' }],
      },
    });
    const second = rows.find((row) => row['pref'] === 5);
    assert.partialDeepStrictEqual(second, {
      options: { actions: [{ kind: 'skbedit', mark: 7, priority: ':3' }, { kind: 'police' }] },
    });
    const text = show();
    assert.match(text, /police 0x\d+ rate 8Mbit burst 20000b mtu 2000b action drop/);
    assert.match(text, /match 00110000\/00ff0000 at 8\s+match 0a010000\/ffff0000 at 16/);
    for (const priority of [1, 2, 3])
      deleteFilter(netlink, { link, parent: 'ingress', priority, ...filters[priority - 1] });
    assert.deepEqual(
      new Set(listFilters(netlink, { link, parent: 'ingress' }).map((row) => row.priority)),
      new Set([4, 5]),
    );
    deleteFilter(netlink, { link, parent: 'ingress' });
    assert.deepEqual(listFilters(netlink, { link, parent: 'ingress' }), []);
  });
});

test('filters that tc wrote', async () => {
  await withLink(({ netlink, link, tc }) => {
    tc('qdisc', 'add', 'dev', 'v0', 'clsact');
    const add = (words: string) => tc('filter', 'add', 'dev', 'v0', 'egress', ...words.split(' '));
    add('pref 1 protocol ip u32 match ip dst 10.1.0.0/16 match ip protocol 17 0xff action drop');
    add('pref 2 protocol ip flower ip_proto udp dst_ip 10.1.0.0/16 dst_port 53 action mirred egress mirror dev v1');
    add('pref 3 protocol all matchall action police rate 8mbit burst 20k mtu 2000 conform-exceed drop/pipe');
    add('pref 4 protocol all basic action pass');
    const [u32, flower, police, basic] = listFilters(netlink, { link, parent: 'egress' }).filter(
      (f) => !('divisor' in f),
    );
    assert.partialDeepStrictEqual(u32, { kind: 'u32', actions: [drop] });
    assert.deepEqual(
      new Set(u32?.kind === 'u32' ? u32.keys.map((key) => key.offset) : []),
      new Set(u32Keys({ destination, protocol: 17 }).map((key) => key.offset)),
    );
    const match = { protocol: 'udp', destination, destinationPort: 53 } as const;
    assert.partialDeepStrictEqual(flower, {
      kind: 'flower',
      match,
      actions: [{ kind: 'mirred', effect: 'egress mirror', verdict: 'pipe' }],
    });
    const expected: TcActionSpec = {
      kind: 'police',
      rate: 8e6,
      burst: 20_480,
      mtu: 2000,
      exceed: 'drop',
      conform: 'pipe',
    };
    assert.partialDeepStrictEqual(police, { kind: 'matchall', actions: [expected] });
    assert.partialDeepStrictEqual(basic, { kind: 'other', name: 'basic' });
    const samples = dumpTc(netlink, 'filter', { link, parent: 0xfffffff3 }).map(({ body }) => body);
    fuzzDecoder(decodeFilter, { samples, runs: 300 });
  });
});

test('damaged options of every qdisc throw nothing but DecodeError', async () => {
  await withLink(({ netlink, link }) => {
    const samples = QDISCS.flatMap(({ spec }) => {
      replaceQdisc(netlink, { link, ...spec });
      return dumpTc(netlink, 'qdisc', { link }).map(({ body }) => body);
    });
    fuzzDecoder(decodeQdisc, { samples, runs: 300 });
  });
});

test('every probe of traffic control says yes here', async () => {
  for (const [name, trial] of Object.entries(TC_PROBES))
    await withNetns(1, (netns) => assert.doesNotThrow(() => netns.run(trial), name));
});
