import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { fuzzDecoder } from '../fuzz.ts';
import { subscribeNetlink } from '../netlink/subscription.ts';
import type { Netns } from '../netns/netns.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { openDatagramSocket } from '../socket/datagram-socket.ts';
import { withNetns } from '../testing.ts';
import { NFNLGRP } from './conntrack-table.ts';
import { inNamespace } from './conntrack-world.fixture.ts';
import { decodeTrace, subscribeTrace, type TraceEvent } from './trace.ts';

const skip = lacking('nft-trace');
const RULES = `
table inet t {
  chain first { type filter hook output priority -300; udp dport 53-55 meta nftrace set 1 meta mark set 0x2a; }
  chain i { type filter hook input priority 0; policy drop; udp dport 53 jump sub; udp dport 54 drop; udp dport 55 goto end; }
  chain sub { udp dport 53 counter; udp dport 53 return; }
  chain end { udp dport 55 accept; }
}
table ip u { chain p { type filter hook postrouting priority 0; policy accept; ip saddr 127.0.0.1 counter; }; }
`;

function send(netns: Netns): void {
  const socket = openDatagramSocket({ netns, address: '127.0.0.1', port: 0 });
  for (const port of [53, 54, 55, 56]) socket.sendTo(Buffer.from('hello'), '127.0.0.1', port);
  socket.close();
}

const hex = (id: number) => id.toString(16).padStart(8, '0');

/** As `nft monitor trace` says it, without headers and rules' text; of the end of a chain it says nothing. */
function monitorLine({ id, family, table, chain, type, verdict, policy, mark }: TraceEvent): string {
  const target = verdict?.chain === undefined ? '' : ` ${verdict.chain}`;
  const decided = type === 'policy' ? `${policy} meta mark 0x${hex(mark ?? 0)}` : `verdict ${verdict?.code}${target}`;
  return `trace id ${hex(id)} ${family} ${table} ${chain} ${type} ${decided}`;
}

/** nft tells the packet in lines of their own, and rules with their text. */
const withoutText = (line: string) => line.replace(/ rule .* \(verdict (.*)\)$/, ' rule verdict $1').trim();

test('the steps of traced packets are those that nft monitor tells', { skip, timeout: 600_000 }, () =>
  withNetns(1, async (netns) => {
    inNamespace(netns, 'nft -f -', RULES);
    const events: TraceEvent[] = [];
    const onEvents = (some: readonly TraceEvent[]) => events.push(...some);
    const watch = subscribeTrace({ netns, onEvents, onLost: () => assert.fail('lost') });
    const monitor = spawn('ip', ['netns', 'exec', netns.name ?? '', 'nft', 'monitor', 'trace']);
    let output = '';
    monitor.stdout.on('data', (bytes) => {
      output += bytes;
    });
    const compared = (): { ours: string[]; nfts: string[] } => {
      const lines = output
        .split('\n')
        .filter((line) => / (rule|policy|verdict|return) /.test(line) && !/ packet: /.test(line));
      const told = new Set(lines.map((line) => line.split(' ')[2]));
      const same = events.filter(({ id }) => told.has(hex(id)));
      const shown = same.filter(({ type, handle }) => type !== 'rule' || handle !== undefined);
      return { ours: shown.map(monitorLine), nfts: lines.map(withoutText) };
    };
    try {
      // it says nothing when it listens, so send until it has told of a packet
      for (let i = 0; i < 300 && !output.includes('accept'); i++) {
        send(netns);
        await sleep(100);
      }
      // it may still be telling of the last
      await sleep(100);
      for (let i = 0; i < 300 && !isDeepStrictEqual(compared().ours, compared().nfts); i++) await sleep(100);
    } finally {
      monitor.kill();
      watch.stop();
    }
    const { ours, nfts } = compared();
    assert.deepEqual(ours, nfts);
    checkSteps(events);
  }),
);

function checkSteps(events: readonly TraceEvent[]): void {
  const ids = [...new Set(events.map(({ id }) => id))];
  const paths = ids.map((id) =>
    events
      .filter((event) => event.id === id && event.table === 't' && event.chain !== 'first')
      .map(({ chain, verdict, policy }) => `${chain} ${verdict?.code ?? policy}`)
      .join(', '),
  );
  assert.ok(paths.includes('i jump, sub continue, sub return, i continue, i drop'), paths.join('\n'));
  assert.ok(paths.includes('i drop') && paths.includes('i goto, end accept'), paths.join('\n'));
  const [first] = events;
  assert.partialDeepStrictEqual(first, { family: 'inet', table: 't', chain: 'first', packetFamily: 'ip', oif: 1 });
  assert.ok(events.some(({ mark, handle }) => mark === 0x2a && handle !== undefined));
  assert.equal(first?.networkHeader?.length, 20);
  assert.deepEqual(first?.transportHeader?.readUInt16BE(2), 53);
  const come = events.find(({ chain }) => chain === 'i');
  assert.deepEqual([come?.iif, come?.iiftype, come?.linkHeader?.length], [1, 772, 14]);
}

test('no bytes bring the decoder off the rails', { skip }, () =>
  withNetns(1, async (netns) => {
    inNamespace(
      netns,
      'nft -f -',
      `${RULES} table inet c { chain o { type filter hook output priority -301; ct state new; }; }`,
    );
    const samples: Buffer[] = [];
    const watch = subscribeNetlink({
      ...{ protocol: 'netfilter', netns, groups: [NFNLGRP.NFTRACE] },
      onMessages: (messages) => samples.push(...messages.map(({ body }) => body)),
      onLost: () => assert.fail('lost'),
    });
    try {
      send(netns);
      for (let i = 0; i < 6000 && samples.length < 9; i++) await sleep(10);
    } finally {
      watch.stop();
    }
    assert.ok(samples.length >= 9);
    fuzzDecoder(decodeTrace, { samples });
    const { connection } = decodeTrace(samples[0] ?? Buffer.alloc(0));
    // since Linux 6.16
    if (connection) assert.deepEqual([connection.state, connection.direction], [['new'], 'original']);
  }),
);
