import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { connectTcp, listenTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { interpret } from './interpret.ts';
import type { Chain, Expression, NamedSet, Statement, Table } from './model.ts';
import { openNft } from './nft.ts';

/**
 *   client 10.1.0.2 ──── 10.1.0.1 router 10.2.0.1 ──── 10.2.0.2 server, port 80
 *
 * Each ruleset lives in the router. Every packet is asked of the interpreter and then really sent.
 */
async function withRouter(fn: (client: Netns, router: Netns) => Promise<void>): Promise<void> {
  await withNetns(3, async (client, router, server) => {
    if (!client || !router || !server) throw new Error('three namespaces were asked for');
    const ip = (netns: Netns, ...args: string[]) => execFileSync('ip', ['-n', String(netns.name), ...args]);
    for (const [netns, n] of [
      [client, 1],
      [server, 2],
    ] as const) {
      ip(router, 'link', 'add', `r${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(netns.name));
      ip(router, 'addr', 'add', `10.${n}.0.1/24`, 'dev', `r${n}`);
      ip(router, 'link', 'set', `r${n}`, 'up');
      ip(netns, 'addr', 'add', `10.${n}.0.2/24`, 'dev', 'eth0');
      ip(netns, 'link', 'set', 'eth0', 'up');
      ip(netns, 'route', 'add', 'default', 'via', `10.${n}.0.1`);
    }
    execFileSync('ip', ['netns', 'exec', String(router.name), 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    const listeners = await Promise.all(
      [80, 81, 90].map((port) => listenTcp({ netns: server, address: '10.2.0.2', port })),
    );
    for (const listener of listeners) listener.on('connection', (socket) => socket.end());
    try {
      await fn(client, router);
    } finally {
      for (const listener of listeners) listener.close();
    }
  });
}

type Outcome = 'accept' | 'drop' | 'reject';

/** Who does not expect a drop waits for long: a link that has just been raised drops packets, too. */
async function send(netns: Netns, daddr: string, port: number, expected: string): Promise<Outcome> {
  try {
    const timeout = expected === 'drop' ? 300 : 60_000;
    (await connectTcp({ netns, address: daddr, port, timeout })).destroy();
    return 'accept';
  } catch (error) {
    if (!hasCode(error, 'KERNEL_CONNECT')) throw error;
    return String(error).includes('ETIMEDOUT') ? 'drop' : 'reject';
  }
}

const saddr: Expression = { kind: 'payload', field: 'ip saddr' };
const daddr: Expression = { kind: 'payload', field: 'ip daddr' };
const dport: Expression = { kind: 'payload', field: 'th dport' };
const l4proto: Expression = { kind: 'meta', key: 'l4proto' };
const tcp: Statement = { kind: 'match', left: l4proto, op: '==', right: 'tcp' };
const accept: Statement = { kind: 'verdict', verdict: { kind: 'accept' } };
const drop: Statement = { kind: 'verdict', verdict: { kind: 'drop' } };
const replies: Statement = {
  kind: 'match',
  left: { kind: 'ct', key: 'state' },
  op: '==',
  right: ['established', 'related'],
};
const forward = (policy: 'accept' | 'drop', ...rules: Statement[][]): Chain => ({
  name: 'forward',
  base: { type: 'filter', hook: 'forward', priority: 0, policy },
  rules: [{ statements: [replies, accept] }, ...rules.map((statements) => ({ statements }))],
});
const prerouting = (...rules: Statement[][]): Chain => ({
  name: 'prerouting',
  base: { type: 'nat', hook: 'prerouting', priority: -100 },
  rules: rules.map((statements) => ({ statements })),
});
const key: Expression = { kind: 'concat', parts: [saddr, l4proto, dport] };
const peers: NamedSet = {
  name: 'peers',
  key: ['ipv4_addr', 'inet_proto', 'inet_service'],
  interval: true,
  elements: [{ key: ['10.1.0.0/24', 'tcp', { from: 80, to: 85 }] }, { key: ['10.9.0.0/16', 'tcp', 90] }],
};
const verdicts: NamedSet = {
  name: 'verdicts',
  key: ['inet_service'],
  data: 'verdict',
  elements: [
    { key: [80], data: { kind: 'jump', chain: 'sub' } },
    { key: [81], data: { kind: 'drop' } },
  ],
};
const nat: NamedSet = {
  name: 'nat',
  key: ['ipv4_addr', 'inet_service'],
  data: ['ipv4_addr', 'inet_service'],
  elements: [{ key: ['10.96.0.1', 80], data: ['10.2.0.2', 81] }],
};

const RULESETS: Readonly<Record<string, Omit<Table, 'family' | 'name'>>> = {
  'concatenated intervals, policy drop': {
    sets: [peers],
    chains: [forward('drop', [{ kind: 'lookup', key, set: 'peers' }, accept])],
  },
  'verdict map, return and reject': {
    sets: [verdicts],
    chains: [
      {
        name: 'sub',
        rules: [
          {
            statements: [
              { kind: 'match', left: saddr, op: '==', right: '10.1.0.0/30' },
              { kind: 'verdict', verdict: { kind: 'return' } },
            ],
          },
          { statements: [accept] },
        ],
      },
      forward(
        'accept',
        [{ kind: 'vmap', key: dport, map: 'verdicts' }],
        [tcp, { kind: 'match', left: dport, op: '==', right: [80, 90] }, { kind: 'reject', with: 'tcp-reset' }],
      ),
    ],
  },
  'translation by map, then a filter on the new destination': {
    sets: [nat],
    chains: [
      prerouting([
        { kind: 'dnat', family: 'ip', to: { kind: 'map', key: { kind: 'concat', parts: [daddr, dport] }, map: 'nat' } },
      ]),
      forward('accept', [
        { kind: 'match', left: daddr, op: '==', right: '10.2.0.2' },
        { kind: 'match', left: dport, op: '==', right: { from: 82, to: 99 } },
        drop,
      ]),
    ],
  },
  'mark from one hook to the next': {
    sets: [],
    chains: [
      prerouting([
        { kind: 'match', left: dport, op: '<', right: 81 },
        { kind: 'set-mark', to: { kind: 'bitwise', of: { kind: 'meta', key: 'mark' }, mask: 0xffff0000, xor: 0x10 } },
      ]),
      forward(
        'drop',
        [
          {
            kind: 'match',
            left: { kind: 'bitwise', of: { kind: 'meta', key: 'mark' }, mask: 0xff, xor: 0 },
            op: '==',
            right: 0x10,
          },
          { kind: 'match', left: { kind: 'meta', key: 'iifname' }, op: '==', right: 'r*' },
          accept,
        ],
        [{ kind: 'reject', with: 'port-unreachable' }],
      ),
    ],
  },
};

for (const [name, content] of Object.entries(RULESETS)) {
  test(`the kernel does what the interpreter says: ${name}`, () =>
    withRouter(async (client, router) => {
      const table: Table = { family: 'ip', name: 'pwt', ...content };
      const nft = openNft(router);
      nft.apply(table);
      for (const [address, port] of [
        ['10.2.0.2', 80],
        ['10.2.0.2', 81],
        ['10.2.0.2', 90],
        ['10.96.0.1', 80],
      ] as const) {
        const packet = {
          saddr: '10.1.0.2',
          daddr: address,
          protocol: 'tcp',
          sport: 40_000,
          dport: port,
          iifname: 'r1',
        };
        const translated = interpret([table], packet, { hook: 'prerouting' }).packet;
        const routed = translated.daddr === '10.2.0.2';
        const expected = routed
          ? interpret([table], { ...translated, oifname: 'r2' }, { hook: 'forward' }).verdict
          : 'drop';
        if (!routed) continue;
        assert.equal(await send(client, address, port, expected), expected, `${address}:${port}`);
      }
      nft.close();
    }));
}
