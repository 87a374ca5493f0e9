import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { IpAddress } from '@podwire/base';
import { EncodeError, isErrno } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { encodeBody } from '../netlink/netlink-message.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { withNetns } from '../testing.ts';
import {
  createConnection,
  createConnections,
  deleteConnection,
  deleteConnections,
  flushConnections,
  getConnection,
  listConnections,
  updateConnection,
} from './conntrack.ts';
import { type Connection, type ConnectionSpec, decodeConnection } from './conntrack-entry.ts';
import { type ConnectionEvent, subscribeConnections } from './conntrack-event.ts';
import { decodeExpectation, listExpectations } from './conntrack-expectation.ts';
import { connectionStatistics, countConnections } from './conntrack-statistics.ts';
import { CONNTRACK_MSG, connectionAttributes, EXPECTATION_MSG } from './conntrack-table.ts';
import { type ConnectionTuple, formatTuple } from './conntrack-tuple.ts';
import { inNamespace, withConntrackWorld } from './conntrack-world.fixture.ts';
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

test('events tell a TCP connection from its first packet to its end, and a UDP flow', { skip, timeout: 600_000 }, () =>
  withConntrackWorld(async ({ near, netlink, tcp, udp }) => {
    const events: ConnectionEvent[] = [];
    const watch = subscribeConnections({
      netns: near,
      onEvents: (some) => events.push(...some),
      onLost: () => assert.fail('lost'),
    });
    try {
      await tcp('10.9.0.2', 80);
      await udp('10.96.0.1', 53);
      const hasClosed = () => events.some(({ connection }) => connection.tcp?.state === 'fin-wait');
      for (let i = 0; i < 3000 && !hasClosed(); i++) await sleep(10);
      flushConnections(netlink);
      for (let i = 0; i < 3000 && events.filter(({ type }) => type === 'destroy').length < 2; i++) await sleep(10);
    } finally {
      watch.stop();
    }
    const of = (wanted: string) => events.filter(({ connection }) => connection.protocol === wanted);
    const steps = of('tcp').map(({ type, connection }) => `${type} ${connection.tcp?.state}`);
    assert.deepEqual(steps.slice(0, 4), ['new syn-sent', 'update syn-recv', 'update established', 'update fin-wait']);
    assert.match(steps.at(-1) ?? '', /^destroy/);
    assert.deepEqual(
      of('udp').map(({ type }) => type),
      ['new', 'update', 'destroy'],
    );
    const end = of('udp').at(-1)?.connection;
    assert.deepEqual(end?.counters, { original: { packets: 1n, bytes: 33n }, reply: { packets: 1n, bytes: 33n } });
    assert.ok((end?.stop ?? 0n) >= (end?.start ?? 1n));
    assert.ok(events.every(({ connection }) => connection.unknown === undefined));
  }),
);

test('connections are made, changed and forgotten, and conntrack sees it', { skip }, () =>
  withConntrackWorld(async ({ netlink, run }) => {
    const ends = { source: ip('10.1.0.1'), destination: ip('10.1.0.2') };
    const spec: ConnectionSpec = {
      ...{ protocol: 'tcp', original: { ...ends, sourcePort: 1000, destinationPort: 80 }, timeout: 100, mark: 5 },
      ...{ status: ['assured', 'seen-reply'], tcp: { state: 'established' }, zone: 9 },
      destinationNat: { address: ip('10.1.0.3'), port: 8080 },
    };
    createConnection(netlink, spec);
    assert.throws(
      () => createConnection(netlink, spec),
      (error) => isErrno(error, 'EEXIST'),
    );
    const tool = () => run('conntrack -L -o extended');
    const line = 'src=10.1.0.1 dst=10.1.0.2 sport=1000 dport=80 .*src=10.1.0.3 dst=10.1.0.1 sport=8080 dport=1000';
    assert.match(tool(), new RegExp(`tcp +6 \\d+ ESTABLISHED ${line} .*\\[ASSURED\\] mark=5 zone=9`));
    updateConnection(netlink, spec, { mark: 0xf0, markMask: 0xf0, timeout: 5000, tcp: { state: 'close-wait' } });
    assert.match(tool(), /tcp +6 (4999|5000) CLOSE_WAIT .* mark=245 /);
    updateConnection(netlink, spec, { labels: [3, 127], labelsMask: [3, 127] });
    const [changed] = listConnections(netlink);
    assert.deepEqual(changed?.labels, [3, 127]);
    assert.ok(changed);
    updateConnection(netlink, spec, { status: [...changed.status, 'fixed-timeout'] });
    assert.ok(getConnection(netlink, spec)?.status.includes('fixed-timeout'));
    assert.throws(
      () => updateConnection(netlink, spec, { status: [] }),
      (error) => isErrno(error, 'EBUSY'),
    );
    assert.equal(deleteConnection(netlink, { ...changed, id: ((changed.id ?? 0) ^ 1) >>> 0 }), false);
    assert.equal(deleteConnection(netlink, { ...changed, zone: 8 }), false);
    assert.equal(deleteConnection(netlink, changed), true);
    assert.deepEqual(
      [deleteConnection(netlink, changed), getConnection(netlink, changed), tool()],
      [false, undefined, ''],
    );
    assert.throws(
      () => updateConnection(netlink, spec, { mark: 1 }),
      (error) => isErrno(error, 'ENOENT'),
    );
  }),
);

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

test('a flush takes what fits', { skip }, () =>
  withConntrackWorld(async ({ netlink }) => {
    const make = (address: string, mark: number) =>
      createConnection(netlink, {
        ...{ protocol: 'udp', timeout: 100, mark },
        original: { source: ip(address), destination: ip(address), sourcePort: mark, destinationPort: 9 },
      });
    for (const address of ['10.1.0.1', 'fd01::1']) for (const mark of [1, 2, 3]) make(address, mark);
    const left = () =>
      listConnections(netlink)
        .map(({ family, mark }) => `${family} ${mark}`)
        .sort();
    flushConnections(netlink, { family: 'ipv6', mark: 2 });
    assert.deepEqual(left(), ['ipv4 1', 'ipv4 2', 'ipv4 3', 'ipv6 1', 'ipv6 3']);
    flushConnections(netlink, { mark: 1, markMask: 1 });
    assert.deepEqual(left(), ['ipv4 2']);
    flushConnections(netlink, { family: 'ipv6' });
    assert.deepEqual(left(), ['ipv4 2']);
    flushConnections(netlink);
    assert.deepEqual(left(), []);
  }),
);

test('what does not fit is refused by the name of its field before it is sent', { skip }, () =>
  withNetns(1, (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const original = { source: ip('10.0.0.1'), destination: ip('10.0.0.2'), sourcePort: 1, destinationPort: 2 };
    const spec: ConnectionSpec = { protocol: 'udp', original, timeout: 1 };
    const refuses = (wrong: object, field: string) =>
      assert.throws(
        () => createConnection(netlink, { ...spec, ...wrong }),
        (error) => error instanceof EncodeError && error.code === 'KERNEL_ENCODE' && error.path.endsWith(field),
        field,
      );
    refuses({ original: { ...original, sourcePort: 65_536 } }, 'sourcePort');
    refuses({ original: { ...original, source: 'here' } }, 'source');
    refuses({ original: { ...original, source: 'fd00::1' } }, 'source');
    refuses({ protocol: 'constructor' }, 'protocol');
    refuses({ status: ['asured'] }, 'status');
    refuses({ timeout: -1 }, 'timeout');
    refuses({ mark: 2 ** 32 }, 'mark');
    refuses({ zone: 1.5 }, 'zone');
    refuses({ labels: [128] }, 'labels');
    refuses({ tcp: { state: 'open' } }, 'protocolInfo.tcp.state');
    refuses({ sourceNat: { address: '10.0.0.256' } }, 'sourceNat.first');
    assert.throws(() => updateConnection(netlink, spec, { markMask: 1 }), /without a mark in markMask/);
    assert.throws(() => flushConnections(netlink, { markMask: 1 }), /without a mark in markMask/);
    assert.equal(countConnections(netlink).entries, 0);
  }),
);

function manySpecs(count: number): ConnectionSpec[] {
  const destination = ip('10.96.0.10');
  return Array.from({ length: count }, (_, i) => {
    const source = ip(`10.0.${i >> 8}.${i & 255}`);
    return { protocol: 'udp', original: { source, destination, sourcePort: 9, destinationPort: 53 }, timeout: 600 };
  });
}

test('events that nobody took in time are reported as lost, and events come again', { skip, timeout: 600_000 }, () =>
  withNetns(1, async (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const [spec, ...specs] = manySpecs(20_000);
    assert.ok(spec);
    let lost = 0;
    const after: string[] = [];
    const onEvents = (events: readonly ConnectionEvent[]) => {
      if (lost > 0) after.push(...events.map(({ type }) => type));
    };
    const watch = subscribeConnections({ netns, onEvents, onLost: () => lost++ });
    try {
      // nothing is read meanwhile
      for (let round = 0; round < 3; round++) {
        createConnections(netlink, specs);
        flushConnections(netlink);
      }
      for (let i = 0; i < 6000 && lost === 0; i++) await sleep(10);
      assert.deepEqual([lost, listConnections(netlink).length], [1, 0]);
      createConnection(netlink, spec);
      for (let i = 0; i < 6000 && after.length === 0; i++) await sleep(10);
      assert.deepEqual(after, ['new']);
    } finally {
      watch.stop();
    }
  }),
);

test('20,000 connections are made, listed and forgotten in batches', { skip }, (t) =>
  withNetns(1, (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const specs = manySpecs(20_000);
    const timed = <T>(what: string, fn: () => T): T => {
      const started = performance.now();
      const result = fn();
      t.diagnostic(`${what}: ${(performance.now() - started).toFixed(0)} ms`);
      return result;
    };
    assert.ok(timed('made', () => createConnections(netlink, specs)).every((error) => error === undefined));
    const list = timed('listed', () => listConnections(netlink));
    assert.equal(list.length, 20_000);
    assert.equal(
      timed('forgotten', () => deleteConnections(netlink, list)),
      20_000,
    );
    assert.deepEqual([countConnections(netlink).entries, deleteConnections(netlink, list)], [0, 0]);
  }),
);

test('expectations are listed with the connection they belong to', { skip }, () =>
  withConntrackWorld(async ({ near, netlink, run, tcp }) => {
    inNamespace(
      near,
      'nft -f -',
      `table inet e {
        ct expectation later { protocol tcp; dport 5432; timeout 1h; size 12; l3proto ip; }
        chain o { type filter hook output priority 1; tcp dport 80 ct expectation set "later"; }
      }`,
    );
    await tcp('10.9.0.2', 80);
    const [expectation, ...others] = listExpectations(netlink);
    assert.ok(expectation && others.length >= 0);
    assert.match(run('conntrack -L expect'), /dport=5432 /);
    assert.partialDeepStrictEqual(expectation, {
      ...{ family: 'ipv4', protocol: 'tcp', tuple: { destinationPort: 5432 }, mask: { destinationPort: 65_535 } },
      master: { protocol: 'tcp', destination: ip('10.9.0.2'), destinationPort: 80 },
    });
    assert.ok((expectation.timeout ?? 0) > 0);
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
