import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Netns, openPacketSocket } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import fc from 'fast-check';
import { replyTo } from './connection-table.ts';
import { formatTable } from './format.ts';
import type { Table } from './model.ts';
import { openNft } from './nft.ts';
import { type Passage, VirtualHost } from './virtual-host.ts';
import type { VirtualPacket } from './virtual-packet.ts';
import { packets, routerTable } from './virtual-ruleset.arbitrary.ts';
import { describePacket, frameOf, readFrame } from './wire-packet.fixture.ts';

/** More rulesets and packets for a longer run, which draws its own seed; the short one is the same every time. */
const RULESETS = Number(process.env.NFT_VIRTUAL_RULESETS ?? 40);
const PACKETS = Number(process.env.NFT_VIRTUAL_PACKETS ?? 50);
const SEED = process.env.NFT_VIRTUAL_SEED ?? (process.env.NFT_VIRTUAL_RULESETS === undefined ? '7' : undefined);
const CLIENT_MAC = '02:00:00:00:00:c1';
const SERVER_MAC = '02:00:00:00:00:52';

/** Nobody but the test sends here: client and server have no addresses, the router knows them by heart. */
class Laboratory {
  readonly #router: Netns;
  readonly #seen = { client: new Map<number, string[]>(), server: new Map<number, string[]>() };
  readonly #client: ReturnType<typeof openPacketSocket>;
  readonly #server: ReturnType<typeof openPacketSocket>;
  readonly #macs: { readonly r1: string; readonly r2: string };

  constructor(client: Netns, router: Netns, server: Netns) {
    this.#router = router;
    const ip = (netns: Netns, line: string) => execFileSync('ip', ['-n', String(netns.name), ...line.split(' ')]);
    for (const [netns, n, mac] of [
      [client, 1, CLIENT_MAC],
      [server, 2, SERVER_MAC],
    ] as const) {
      ip(router, `link add r${n} type veth peer name eth0 address ${mac} netns ${netns.name}`);
      this.#sysctl(`net.ipv6.conf.r${n}.accept_dad=0`);
      ip(router, `addr add 10.${n}.0.1/24 dev r${n}`);
      ip(router, `addr add fd0${n}::1/64 dev r${n} nodad`);
      ip(router, `link set r${n} up`);
      this.#oneCpu(`r${n}`);
      ip(netns, 'link set eth0 up');
      for (const host of [2, 3, 4, 5])
        for (const address of [`10.${n}.0.${host}`, `fd0${n}::${host}`])
          ip(router, `neigh add ${address} lladdr ${mac} dev r${n} nud permanent`);
    }
    this.#sysctl('net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.icmp_ratelimit=0');
    this.#sysctl('net.netfilter.nf_conntrack_tcp_be_liberal=1');
    this.#sysctl('net.ipv6.icmp.ratelimit=0', 'net.ipv4.icmp_msgs_per_sec=100000', 'net.ipv4.icmp_msgs_burst=100000');
    const macOf = (link: string): string => {
      const text = execFileSync('ip', ['-n', String(router.name), '-o', 'link', 'show', link]).toString();
      return /link\/ether (\S+)/.exec(text)?.[1] ?? '';
    };
    this.#macs = { r1: macOf('r1'), r2: macOf('r2') };
    this.#client = this.#socket(client, this.#seen.client);
    this.#server = this.#socket(server, this.#seen.server);
  }

  #sysctl(...settings: string[]): void {
    execFileSync('ip', ['netns', 'exec', String(this.#router.name), 'sysctl', '-qw', ...settings]);
  }

  /** Two processors would change the order of packets, and two first packets of a connection at once are one too many. */
  #oneCpu(link: string): void {
    const file = `/sys/class/net/${link}/queues/rx-0/rps_cpus`;
    execFileSync('ip', ['netns', 'exec', String(this.#router.name), 'tee', file], { input: '1\n' });
  }

  #socket(netns: Netns, seen: Map<number, string[]>) {
    return openPacketSocket({
      netns,
      link: 'eth0',
      onFrame({ bytes, direction }) {
        const read = direction === 'in' ? readFrame(bytes) : undefined;
        if (read) seen.set(read.id, [...(seen.get(read.id) ?? []), read.text]);
      },
    });
  }

  fromClient(packet: VirtualPacket, id: number): void {
    this.#client.send(frameOf(packet, id, { from: CLIENT_MAC, to: this.#macs.r1 }));
  }

  fromServer(packet: VirtualPacket, id: number): void {
    this.#server.send(frameOf(packet, id, { from: SERVER_MAC, to: this.#macs.r2 }));
  }

  /** What each side saw of a packet; taken once those that have to arrive are there, or after a minute. */
  async seen(awaited: readonly number[]): Promise<(id: number) => string> {
    const { client, server } = this.#seen;
    await sleep(10);
    for (let tries = 0; tries < 6000 && !awaited.every((id) => client.has(id) || server.has(id)); tries++)
      await sleep(10);
    const [atClient, atServer] = [new Map(client), new Map(server)];
    client.clear();
    server.clear();
    const side = (name: string, texts: readonly string[] | undefined) =>
      texts ? [`${name}: ${texts.join(', ')}`] : [];
    return (id) => [...side('client', atClient.get(id)), ...side('server', atServer.get(id))].join('; ');
  }

  forgetConnections(): void {
    execFileSync('ip', ['netns', 'exec', String(this.#router.name), 'conntrack', '-F'], { stdio: 'ignore' });
  }

  close(): void {
    this.#client.close();
    this.#server.close();
  }
}

/** The router as the interpreter sees it. */
function virtualRouter(tables: readonly Table[]): VirtualHost {
  return new VirtualHost({
    tables,
    routeTo: ({ daddr }) => {
      if (/^(10\.[12]\.0\.1|fd0[12]::1)$/.test(daddr)) return { kind: 'local' };
      if (/^(10\.1\.0|fd01:)/.test(daddr)) return { kind: 'link', name: 'r1' };
      return /^(10\.2\.0|fd02:)/.test(daddr) ? { kind: 'link', name: 'r2' } : { kind: 'unreachable' };
    },
    linkAddress: (link, family) => {
      const n = link === 'r1' ? 1 : 2;
      return family === 'ip' ? `10.${n}.0.1` : `fd0${n}::1`;
    },
  });
}

/** What the laboratory should see of it. */
function expectation({ outcome, packet, steps }: Passage, to: 'client' | 'server'): string {
  if (outcome === 'forwarded') return `${to}: ${describePacket(packet)}`;
  if (outcome !== 'rejected') return '';
  const rejection = steps.at(-1)?.rejection;
  const back = to === 'server' ? 'client' : 'server';
  if (!rejection || rejection.protocol === 'tcp') return packet.protocol === 'tcp' ? `${back}: tcp reset` : '';
  return `${back}: ${rejection.protocol} ${rejection.code}`;
}

/** A router with the tables: on paper and in the kernel; ends with a message about the first difference. */
async function compare(
  laboratory: Laboratory,
  tables: readonly Table[],
  sent: readonly VirtualPacket[],
  nft: ReturnType<typeof openNft>,
) {
  const paper = virtualRouter(tables);
  laboratory.forgetConnections();
  for (const table of tables) nft.apply(table);
  try {
    const forwarded: { readonly id: number; readonly passage: Passage }[] = [];
    const explain = ({ outcome, steps }: Passage, id: number) =>
      [
        `packet ${id}: ${outcome}`,
        ...steps.map(({ hook, packet, matched }) =>
          [
            hook,
            describePacket(packet),
            packet.ct?.state,
            packet.ct?.status,
            `| ${matched.map(({ text }) => text).join(' | ')}`,
          ].join(' '),
        ),
        ...tables.map(formatTable),
      ].join('\n');
    const check = async (round: readonly { id: number; passage: Passage }[], to: 'client' | 'server') => {
      // what the router itself answers is not the rules' doing
      const told = round.filter(
        ({ passage: { cannotTell, outcome } }) =>
          cannotTell.length === 0 && !['unreachable', 'delivered'].includes(outcome),
      );
      const awaited = told.filter(({ passage }) => expectation(passage, to) !== '').map(({ id }) => id);
      const seen = await laboratory.seen(awaited);
      for (const { id, passage } of told) assert.equal(seen(id), expectation(passage, to), explain(passage, id));
    };
    const half = sent.length / 2;
    for (const part of [sent.slice(0, half), sent.slice(half)]) {
      const round = part.map((packet) => {
        const id = nextId;
        nextId += 2;
        const passage = paper.receive(packet);
        laboratory.fromClient(packet, id);
        if (passage.outcome === 'forwarded') forwarded.push({ id, passage });
        return { id, passage };
      });
      await check(round, 'server');
      const answers = forwarded.splice(0).filter((_, i) => i % 2 === 0);
      const replies = answers.map(({ id: request, passage: { packet } }) => {
        const id = request + 1;
        const reply = { ...replyTo(packet), iifname: 'r2', length: packet.length ?? 60 };
        const answer = packet.tcpFlags?.includes('ack') ? { ...reply, tcpFlags: ['ack'] } : reply;
        const passage = paper.receive(answer);
        laboratory.fromServer(answer, id);
        return { id, passage };
      });
      await check(replies, 'client');
    }
  } finally {
    for (const { family, name } of tables) nft.delete(family, name);
  }
}

/** Requests are odd; an answer acknowledges its request and so has the number behind it. */
let nextId = 1;

/** A busy machine loses a frame now and then; what the rules do they do again. */
async function compareTwice(...given: Parameters<typeof compare>): Promise<void> {
  try {
    await compare(...given);
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error;
    await compare(...given);
  }
}

for (const net of ['ip', 'ip6'] as const) {
  test(`the kernel does with generated packets what the interpreter says: ${net}`, () =>
    withNetns(3, async (client, router, server) => {
      const laboratory = new Laboratory(client as Netns, router as Netns, server as Netns);
      const nft = openNft(router as Netns);
      try {
        await fc.assert(
          fc.asyncProperty(
            routerTable(net, 'early', 0),
            fc.option(routerTable(net, 'late', 1), { nil: undefined }),
            packets(net, PACKETS),
            (early, late, sent) => compareTwice(laboratory, late ? [early, late] : [early], sent, nft),
          ),
          { numRuns: RULESETS, endOnFailure: true, ...(SEED !== undefined && { seed: Number(SEED) }) },
        );
      } finally {
        nft.close();
        laboratory.close();
      }
    }));
}
