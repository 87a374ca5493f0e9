import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { IpAddress } from '@podwire/base';
import { fuzzDecoder } from '../fuzz.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { encodeBody } from '../netlink/netlink-message.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { createConnection, deleteConnections, getConnection, listConnections } from './conntrack.ts';
import { type Connection, type ConnectionSpec, decodeConnection } from './conntrack-entry.ts';
import { decodeExpectation } from './conntrack-expectation.ts';
import { connectionStatistics, countConnections } from './conntrack-statistics.ts';
import { CONNTRACK_MSG, connectionAttributes, EXPECTATION_MSG } from './conntrack-table.ts';
import { type ConnectionTuple, formatTuple } from './conntrack-tuple.ts';
import { withConntrackWorld } from './conntrack-world.fixture.ts';
import { NFNL_SUBSYS, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

const ip = (address: string) => address as IpAddress;
const skip = lacking('conntrack', 'conntrack-events');
const tuples = (connections: readonly Connection[]) =>
  connections.map(({ original, protocol }) => formatTuple(original, protocol)).sort();

/** As `conntrack -L -o extended,id` prints it, up to the marks of what changes by itself. */
function conntrackLine({
  protocol,
  original,
  reply,
  status,
  tcp,
  counters,
  mark,
  zone,
  id,
  ...rest
}: Connection): string {
  const side = (tuple: ConnectionTuple, zoneName: string, count: NonNullable<typeof counters>['reply'] | undefined) =>
    [
      `src=${tuple.source} dst=${tuple.destination}`,
      tuple.icmpType === undefined
        ? `sport=${tuple.sourcePort} dport=${tuple.destinationPort}`
        : `type=${tuple.icmpType} code=${tuple.icmpCode} id=${tuple.icmpId}`,
      ...(tuple.zone === undefined ? [] : [`${zoneName}=${tuple.zone}`]),
      ...(count ? [`packets=${count.packets} bytes=${count.bytes}`] : []),
    ].join(' ');
  return [
    protocol,
    ...(typeof tcp?.state === 'string' ? [tcp.state.toUpperCase().replaceAll('-', '_')] : []),
    side(original, 'zone-orig', counters?.original),
    ...(status.includes('seen-reply') ? [] : ['[UNREPLIED]']),
    side(reply, 'zone-reply', counters?.reply),
    ...(status.includes('assured') ? ['[ASSURED]'] : []),
    `mark=${mark}`,
    ...(rest.helper === undefined ? [] : [`helper=${rest.helper}`]),
    ...(zone === undefined ? [] : [`zone=${zone}`]),
    `id=${id}`,
  ].join(' ');
}

const withoutTimes = (line: string) =>
  line
    .replace(/^ipv[46] +\d+ (\w+) +\d+ \d+ /, '$1 ')
    .replace(/ (delta-time|use)=\d+/g, '')
    .replace(/ +/g, ' ');

test('connections of TCP, UDP and ICMP with NAT, zones, labels and helpers, as conntrack lists them', { skip }, () =>
  withConntrackWorld(async ({ netlink, run, tcp, udp, echo }) => {
    await tcp('10.9.0.2', 80);
    await tcp('fd09::2', 80);
    await tcp('10.9.0.2', 21);
    await udp('10.96.0.1', 53);
    for (const port of [98, 99]) await udp('10.9.0.2', port);
    echo('10.9.0.2', 7);
    echo('fd09::2', 8);
    const both = () => ({
      list: listConnections(netlink),
      lines: run('conntrack -L -o extended,id').trim().split('\n').map(withoutTimes).sort(),
    });
    let { list, lines } = both();
    // the last segments of a connection may come between the two
    for (let i = 0; i < 600 && !isDeepStrictEqual(list.map(conntrackLine).sort(), lines); i++) {
      await sleep(50);
      ({ list, lines } = both());
    }
    assert.equal(list.length, 8);
    assert.deepEqual(list.map(conntrackLine).sort(), lines);
    for (const connection of list) {
      assert.deepEqual([connection.unknown, connection.labels], [undefined, [5]]);
      assert.ok((connection.start ?? 0n) > 1_700_000_000_000_000_000n && (connection.timeout ?? 0) > 0);
      const found = getConnection(netlink, connection);
      assert.deepEqual(found && tuples([found]), tuples([connection]));
      const { protocol, reply, id } = connection;
      if (connection.zone === undefined) assert.equal(getConnection(netlink, { protocol, reply })?.id, id);
    }
    const [translated] = listConnections(netlink, { protocol: 'tcp', status: ['snat'] });
    assert.partialDeepStrictEqual(translated, {
      ...{ family: 'ipv4', mark: 7, reply: { destination: ip('10.9.0.1'), destinationPort: 7777 } },
    });
    checkFilters(netlink, list);
    checkStatistics(netlink, run);
  }),
);

function checkFilters(netlink: Netlink, list: readonly Connection[]): void {
  const by = (filter: Parameters<typeof listConnections>[1], expected: (c: Connection) => boolean) => {
    const wanted = tuples(list.filter(expected));
    assert.ok(wanted.length > 0 && wanted.length < list.length, JSON.stringify(filter));
    assert.deepEqual(tuples(listConnections(netlink, filter)), wanted, JSON.stringify(filter));
  };
  by({ family: 'ipv6' }, ({ family }) => family === 'ipv6');
  by({ protocol: 'tcp' }, ({ protocol }) => protocol === 'tcp');
  by({ zone: 3 }, ({ zone }) => zone === 3);
  by({ zone: 4 }, ({ original }) => original.zone === 4);
  by({ zone: 0 }, ({ zone }) => zone === undefined);
  by({ status: ['assured'] }, ({ status }) => status.includes('assured'));
  by({ withoutStatus: ['assured'] }, ({ status }) => !status.includes('assured'));
  by({ status: ['confirmed'], withoutStatus: ['seen-reply'] }, ({ status }) => !status.includes('seen-reply'));
  by({ original: { destination: ip('10.9.0.2') } }, ({ original }) => original.destination === '10.9.0.2');
  by({ reply: { source: ip('fd09::2') } }, ({ family }) => family === 'ipv6');
  by({ original: { destinationPort: 80 } }, ({ original }) => original.destinationPort === 80);
  by({ protocol: 'tcp', original: { destinationPort: 80 } }, ({ original }) => original.destinationPort === 80);
  by({ protocol: 'icmpv6', original: { icmpType: 128, icmpId: 8 } }, ({ protocol }) => protocol === 'icmpv6');
  assert.equal(listConnections(netlink, { mark: 6, markMask: 14 }).length, list.length);
  assert.equal(listConnections(netlink, { mark: 6 }).length, 0);
}

function checkStatistics(netlink: Netlink, run: (command: string) => string): void {
  const count = countConnections(netlink);
  assert.equal(count.entries, Number(run('conntrack -C')));
  assert.equal(count.maxEntries, Number(run('sysctl -n net.netfilter.nf_conntrack_max')));
  const columns = connectionStatistics(netlink).map(({ cpu, found, invalid, searchRestarts }) => [
    ...[cpu, found, invalid],
    searchRestarts,
  ]);
  const tool = run('conntrack -S').trim().split('\n');
  const column = (line: string, name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(line)?.[1]);
  assert.deepEqual(
    columns,
    tool.map((line) => ['cpu', 'found', 'invalid', 'search_restart'].map((name) => column(line, name))),
  );
}

test('every tracker has its tuples: ports, keys, identifiers or addresses alone', { skip }, () =>
  withConntrackWorld(async ({ netlink, run }) => {
    const ends = { source: ip('fd01::1'), destination: ip('fd01::2') };
    const ports = { ...ends, sourcePort: 1, destinationPort: 2 };
    const echo = { icmpId: 5, icmpCode: 0 };
    const v4 = { source: ip('10.1.0.1'), destination: ip('10.1.0.2') };
    const specs: readonly ConnectionSpec[] = [
      { protocol: 'sctp', original: ports, timeout: 99, sctp: { state: 'established', originalTag: 1, replyTag: 2 } },
      { protocol: 'udplite', original: ports, timeout: 99 },
      { protocol: 'gre', original: ports, timeout: 99 },
      { protocol: 'icmpv6', original: { ...ends, ...echo, icmpType: 128 }, timeout: 99 },
      { protocol: 'icmp', original: { ...v4, ...echo, icmpType: 8 }, timeout: 99 },
      { protocol: 50, original: ends, timeout: 99 },
    ];
    for (const spec of specs) createConnection(netlink, spec);
    const there = 'src=fd01::1 dst=fd01::2';
    const back = 'src=fd01::2 dst=fd01::1';
    const tool = run('conntrack -L');
    for (const line of [
      ` ESTABLISHED ${there} sport=1 dport=2 [UNREPLIED] ${back} sport=2 dport=1 `,
      `udplite  136 99 ${there} sport=1 dport=2 [UNREPLIED] ${back} sport=2 dport=1 `,
      `gre      47 99 ${there} srckey=0x1 dstkey=0x2 [UNREPLIED] ${back} srckey=0x2 dstkey=0x1 `,
      `icmpv6   58 99 ${there} type=128 code=0 id=5 [UNREPLIED] ${back} type=129 code=0 id=5 `,
      'type=8 code=0 id=5 [UNREPLIED] src=10.1.0.2 dst=10.1.0.1 type=0 code=0 id=5 ',
      `unknown  50 99 ${there} [UNREPLIED] ${back} `,
    ])
      assert.ok(
        tool
          .replace(/ 9\d /g, ' 99 ')
          .replace(/ packets=\d+ bytes=\d+/g, '')
          .includes(line),
        `${line}\n${tool}`,
      );
    const list = listConnections(netlink);
    const known = ({ protocol, original, sctp }: Pick<Connection, 'protocol' | 'original' | 'sctp'>) =>
      JSON.stringify([protocol, Object.entries(original).sort(), sctp]);
    assert.deepEqual(list.map(known).sort(), specs.map(known).sort());
    assert.equal(deleteConnections(netlink, list), specs.length);
  }),
);

test('no bytes bring the decoders of connections and expectations off the rails', { skip }, () =>
  withConntrackWorld(async ({ netlink, tcp, udp, echo }) => {
    await tcp('10.9.0.2', 21);
    await udp('10.96.0.1', 53);
    echo('fd09::2', 8);
    const dump = (subsystem: number, message: number) =>
      netlink
        .dump({
          ...{ type: nfnetlinkType(subsystem, message), flags: 0 },
          body: encodeBody(nfgenmsg, {}, connectionAttributes, {}),
        })
        .map(({ body }) => body);
    const samples = dump(NFNL_SUBSYS.CONNTRACK, CONNTRACK_MSG.GET);
    assert.equal(samples.length, 3);
    fuzzDecoder(decodeConnection, { samples });
    fuzzDecoder(decodeExpectation, { samples: dump(NFNL_SUBSYS.EXPECTATION, EXPECTATION_MSG.GET) });
  }),
);
