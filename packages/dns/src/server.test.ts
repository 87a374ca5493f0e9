import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { hasCode, parsePrefix, silentLogger } from '@podwire/base';
import fc from 'fast-check';
import { decodeMessage } from './decode.ts';
import { encodeMessage, encodeQuery } from './encode.ts';
import { createZone, ZoneFeed } from './feed.ts';
import type { Message, ResourceRecord } from './message.ts';
import { FLAG, RCODE, TYPE } from './numbers.ts';
import { type DnsServer, startDnsServer } from './server.ts';
import { localSockets, type SocketAddress, type SocketSource } from './sockets.ts';
import { FrameReader, frame } from './tcp-frames.ts';
import type { Zone } from './zone.ts';

const ANY_PORT = { address: '127.0.0.1', port: 0 };
const WIDE = 200;
/** What the running test has opened. */
const closers: (() => void)[] = [];

function smallZone(): Zone {
  const zone = createZone({
    domain: 'cluster.local',
    prefixes: ['10.96.0.0/12', '10.244.0.0/16'].map(parsePrefix),
    serial: 1,
  });
  const feed = new ZoneFeed(zone);
  const metadata = (name: string) => ({ name, namespace: 'default' });
  feed.setService(
    { metadata: metadata('web'), spec: { clusterIPs: ['10.96.1.1'], ports: [{ name: 'http', port: 80 }] } },
    true,
  );
  feed.setService({ metadata: metadata('wide'), spec: { clusterIP: 'None' } }, true);
  feed.setService({ metadata: metadata('out'), spec: { type: 'ExternalName', externalName: 'www.example.com' } }, true);
  const addresses = Array.from({ length: WIDE }, (_, i) => `10.244.1.${i + 1}`);
  const labels = { 'kubernetes.io/service-name': 'wide' };
  feed.setSlice(
    {
      metadata: { ...metadata('wide-1'), labels },
      addressType: 'IPv4',
      endpoints: addresses.map((a) => ({ addresses: [a] })),
    },
    true,
  );
  zone.ready = true;
  return zone;
}

type Reply = (query: Message, transport: 'udp' | 'tcp') => Message | undefined;

/** A server that plays the resolver outside: answers what `reply` makes of each query. */
async function startUpstream(reply: Reply, tries = 20): ReturnType<typeof upstreamOn> {
  const udp = await localSockets.bindUdp(ANY_PORT);
  const tcp = await localSockets.listenTcp({ address: '127.0.0.1', port: udp.address().port }).catch((error) => {
    udp.close();
    // taken over TCP, perhaps by a connection that has just ended
    if (tries <= 1) throw error;
  });
  return tcp ? upstreamOn(udp, tcp, reply) : startUpstream(reply, tries - 1);
}

async function upstreamOn(udp: UdpSocket, tcp: Server, reply: Reply) {
  const at: SocketAddress = { address: '127.0.0.1', port: udp.address().port };
  const seen: { id: number; port: number; name: string }[] = [];
  udp.on('message', (packet, from) => {
    const query = decodeMessage(packet);
    seen.push({ id: query.id, port: from.port, name: query.questions[0]?.name ?? '' });
    const message = reply(query, 'udp');
    if (message) udp.send(encodeMessage(message), from.port, from.address);
  });
  const sockets = new Set<Socket>();
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    const reader = new FrameReader();
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        for (const packet of reader.push(chunk)) {
          const message = reply(decodeMessage(packet), 'tcp');
          if (message) socket.write(frame(encodeMessage(message)));
        }
      });
  });
  closers.push(() => {
    udp.close();
    tcp.close();
    for (const socket of sockets) socket.destroy();
  });
  return { at, seen };
}

function answerTo(query: Message, answers: readonly ResourceRecord[], more: Partial<Message> = {}): Message {
  return { ...query, response: true, recursionAvailable: true, answers, ...more };
}

const address = (name: string, text: string, ttl = 60): ResourceRecord =>
  ({ name, type: TYPE.A, class: 1, ttl, data: { kind: 'address', address: text } }) as ResourceRecord;
const soa = (name: string, minimum: number): ResourceRecord => ({
  name,
  type: TYPE.SOA,
  class: 1,
  ttl: 900,
  data: {
    kind: 'soa',
    primary: `ns.${name}`,
    mailbox: `root.${name}`,
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum,
  },
});

async function askUdp(at: SocketAddress, packet: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    socket.send(packet, at.port, at.address);
    const [reply] = (await once(socket, 'message', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
    return reply;
  } finally {
    socket.close();
  }
}

async function ask(at: SocketAddress, name: string, type: number): Promise<Message> {
  return decodeMessage(await askUdp(at, encodeQuery(name, type, { id: 77 })));
}

/** Sends bytes over one TCP connection and returns the first `count` messages. */
async function askTcp(at: SocketAddress, bytes: Buffer, count: number, halfClose = false): Promise<Message[]> {
  const socket = connect(at.port, at.address);
  const reader = new FrameReader();
  const got: Message[] = [];
  if (halfClose) socket.end(bytes);
  else socket.write(bytes);
  for await (const chunk of socket) {
    got.push(...reader.push(chunk as Buffer).map(decodeMessage));
    if (got.length >= count) break;
  }
  socket.destroy();
  return got;
}

/** Runs with a server whose upstreams are these; it waits `timeout` ms for each, which is short where nothing is to come. */
async function withServer(
  upstreams: readonly SocketAddress[],
  run: (server: DnsServer, at: SocketAddress) => Promise<void>,
  timeout = 20_000,
): Promise<void> {
  const forward = { timeout };
  const server = await startDnsServer({
    zone: smallZone(),
    listen: [ANY_PORT],
    upstreams,
    logger: silentLogger,
    forward,
  });
  try {
    await run(server, server.addresses[0] as SocketAddress);
  } finally {
    await server.close();
  }
}

describe('cluster names over the wire', () => {
  let server: DnsServer;
  let at: SocketAddress;
  before(async () => {
    server = await startDnsServer({ zone: smallZone(), listen: [ANY_PORT], upstreams: [], logger: silentLogger });
    at = server.addresses[0] as SocketAddress;
  });
  after(() => server.close());

  test('node:dns resolves A, SRV, PTR and a missing name', async () => {
    const resolver = new Resolver();
    resolver.setServers([`${at.address}:${at.port}`]);
    assert.deepEqual(await resolver.resolve4('web.default.svc.cluster.local', { ttl: true }), [
      { address: '10.96.1.1', ttl: 5 },
    ]);
    const [srv] = await resolver.resolveSrv('_http._tcp.web.default.svc.cluster.local');
    assert.deepEqual([srv?.name, srv?.port, srv?.priority, srv?.weight], ['web.default.svc.cluster.local', 80, 0, 100]);
    assert.deepEqual(await resolver.reverse('10.96.1.1'), ['web.default.svc.cluster.local']);
    await assert.rejects(resolver.resolve4('none.default.svc.cluster.local'), { code: 'ENOTFOUND' });
    await assert.rejects(resolver.resolve6('web.default.svc.cluster.local'), { code: 'ENODATA' });
    const wide = await resolver.resolve4('wide.default.svc.cluster.local'); // cut off over UDP, whole over TCP
    assert.equal(new Set(wide).size, WIDE);
  });

  const dig = spawnSync('dig', ['-v']).error === undefined;
  test('dig agrees, over UDP and TCP', { skip: dig ? false : 'dig (bind9-dnsutils) is not installed' }, async () => {
    const run = async (...args: string[]) =>
      (await promisify(execFile)('dig', [`@${at.address}`, '-p', String(at.port), '+tries=3', '+time=10', ...args]))
        .stdout;
    assert.equal((await run('+short', 'web.default.svc.cluster.local')).trim(), '10.96.1.1');
    assert.equal((await run('+short', '+tcp', 'web.default.svc.cluster.local')).trim(), '10.96.1.1');
    assert.equal((await run('+short', '-x', '10.96.1.1')).trim(), 'web.default.svc.cluster.local.');
    assert.equal((await run('+short', 'dns-version.cluster.local', 'TXT')).trim(), '"1.1.0"');
    assert.match(await run('+short', 'wide.default.svc.cluster.local'), /10\.244\.1\.200/);
    const missing = await run('nope.default.svc.cluster.local');
    assert.match(missing, /status: NXDOMAIN/);
    assert.match(missing, /flags: qr aa rd;/);
    assert.match(
      missing,
      /^cluster\.local\.\s+5\s+IN\s+SOA\s+ns\.dns\.cluster\.local\. hostmaster\.cluster\.local\. \d+ 7200 1800 86400 5/m,
    );
    assert.match(await run('+edns=1', '+noednsneg', 'web.default.svc.cluster.local'), /status: BADVERS/);
    assert.match(await run('-c', 'CH', 'version.bind', 'TXT'), /status: REFUSED/);
    assert.match(await run('web.default.svc.cluster.local', 'ANY'), /HINFO\s+"RFC8482" ""/);
    for (const warning of ['Message has', 'malformed', 'mismatch']) assert.ok(!missing.includes(warning), warning);
  });

  test('the name comes back in the case it was asked in', async () => {
    const { questions, answers } = await ask(at, 'WeB.default.SVC.cluster.local', TYPE.A);
    assert.equal(questions[0]?.name, 'WeB.default.SVC.cluster.local');
    assert.equal(answers[0]?.name, 'WeB.default.SVC.cluster.local');
  });

  test('over UDP the answer is cut to 512 bytes, or to the EDNS size, and TC is set (DNS-8)', async () => {
    const plain = await askUdp(at, encodeQuery('wide.default.svc.cluster.local', TYPE.A, { id: 1 }));
    assert.ok(plain.length <= 512 && plain.length > 512 - 16);
    assert.equal(decodeMessage(plain).truncated, true);
    const edns = { udpSize: 4096, version: 0, dnssecOk: true, options: [] };
    const larger = await askUdp(at, encodeQuery('wide.default.svc.cluster.local', TYPE.A, { id: 1, edns }));
    assert.ok(larger.length <= 1232 && larger.length > 1232 - 16, `${larger.length}`);
    const message = decodeMessage(larger);
    assert.deepEqual([message.truncated, message.edns?.dnssecOk, message.edns?.udpSize], [true, true, 1232]);
    assert.ok(message.answers.every((r) => r.data.kind === 'address'));
  });

  test('TCP answers pipelined queries, also split in bytes and after a half close', async () => {
    const names = ['web', 'wide', 'none'].map((n) => `${n}.default.svc.cluster.local`);
    const bytes = Buffer.concat(names.map((name, id) => frame(encodeQuery(name, TYPE.A, { id }))));
    const replies = await askTcp(at, bytes, 3, true);
    assert.deepEqual(
      replies.map((m) => [m.id, m.rcode, m.answers.length]),
      [
        [0, 0, 1],
        [1, 0, WIDE],
        [2, RCODE.NXDOMAIN, 0],
      ],
    );
    const socket = connect(at.port, at.address);
    await once(socket, 'connect');
    for (const byte of frame(encodeQuery('web.default.svc.cluster.local', TYPE.A, { id: 9 })))
      socket.write(Buffer.of(byte));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    assert.equal(decodeMessage(chunk.subarray(2)).id, 9);
  });

  test('answers of many addresses begin with a different one from time to time', async () => {
    const firsts = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const { answers } = await ask(at, 'wide.default.svc.cluster.local', TYPE.A);
      firsts.add(JSON.stringify(answers[0]?.data));
    }
    assert.ok(firsts.size > 5, `${firsts.size} different firsts in 40`);
  });

  test('malformed questions get FORMERR, other opcodes NOTIMP, answers and rubbish nothing (DNS-7)', async () => {
    const query = encodeQuery('web.default.svc.cluster.local', TYPE.A, { id: 5 });
    const change = (at: number, value: number) => {
      const copy = Buffer.from(query);
      copy.writeUInt16BE(value, at);
      return copy;
    };
    assert.equal(decodeMessage(await askUdp(at, change(4, 2))).rcode, RCODE.FORMERR);
    assert.equal(decodeMessage(await askUdp(at, query.subarray(0, 20))).rcode, RCODE.FORMERR);
    assert.equal(decodeMessage(await askUdp(at, change(10, 1))).rcode, RCODE.FORMERR);
    assert.equal(decodeMessage(await askUdp(at, change(12, 0xc00c))).rcode, RCODE.FORMERR);
    assert.equal(decodeMessage(await askUdp(at, change(2, 0x2000))).rcode, RCODE.NOTIMP);
    assert.equal(server.responder.answer(change(2, FLAG.QR), 'udp'), undefined);
    assert.equal(server.responder.answer(Buffer.from('hello'), 'udp'), undefined);
    assert.equal((await ask(at, 'web.default.svc.cluster.local', TYPE.A)).answers.length, 1, 'still alive');
  });

  test('without an upstream, names outside are SERVFAIL and RA is not set', async () => {
    const outside = await ask(at, 'www.example.com', TYPE.A);
    assert.deepEqual([outside.rcode, outside.recursionAvailable], [RCODE.SERVFAIL, false]);
    const alias = await ask(at, 'out.default.svc.cluster.local', TYPE.A);
    assert.equal(alias.rcode, RCODE.SERVFAIL);
  });
});

test('whatever bytes come, the responder gives a readable reply or none, and never throws', async () => {
  const server = await startDnsServer({ zone: smallZone(), listen: [], upstreams: [], logger: silentLogger });
  const query = encodeQuery('wide.default.svc.cluster.local', TYPE.A, {
    id: 1,
    edns: { udpSize: 1232, version: 0, dnssecOk: false, options: [] },
  });
  const changed = fc.array(fc.tuple(fc.nat(query.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const packet = Buffer.from(query);
    for (const [at, value] of changes) packet[at] = value;
    return packet;
  });
  const packets = fc.oneof(
    changed,
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  );
  await fc.assert(
    fc.asyncProperty(packets, async (packet) => {
      const reply = await server.responder.answer(packet, 'udp');
      if (reply === undefined) return;
      assert.equal(decodeMessage(reply).id, packet.readUInt16BE(0));
      assert.ok(reply.length <= Math.max(1232, packet.length));
    }),
    { numRuns: 1000 },
  );
  await server.close();
});

test('where any port will do, one that is taken over TCP is passed over', async () => {
  let taken = 2;
  const seen: number[] = [];
  const sockets: SocketSource = {
    ...localSockets,
    listenTcp: (at) => {
      seen.push(at.port);
      return taken-- > 0 ? Promise.reject(new Error('listen EADDRINUSE')) : localSockets.listenTcp(at);
    },
  };
  const server = await startDnsServer({
    ...{ zone: smallZone(), listen: [ANY_PORT], upstreams: [], logger: silentLogger, sockets },
  });
  assert.ok(seen.length >= 3 && !seen.includes(0));
  assert.equal(server.addresses[0]?.port, seen.at(-1));
  await server.close();
});

test('an address in use is refused by name, and nothing stays open', async () => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const listen = [ANY_PORT, { address: '127.0.0.1', port }];
  const start = startDnsServer({ zone: smallZone(), listen, upstreams: [], logger: silentLogger });
  await assert.rejects(start, (error) => hasCode(error, 'DNS_LISTEN') && String(error).includes(`port ${port}/tcp`));
  taken.close();
  const udp = await localSockets.bindUdp({ address: '127.0.0.1', port });
  udp.close();
});

describe('forwarding', () => {
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  test('asks upstream with fresh ids and ports, once per name while the answer lives', async () => {
    const upstream = await startUpstream((q) => answerTo(q, [address(q.questions[0]?.name ?? '', '192.0.2.1')]));
    await withServer([upstream.at], async (server, at) => {
      for (const name of ['a.example.com', 'b.example.com', 'c.example.com', 'a.example.com', 'A.EXAMPLE.com']) {
        const reply = await ask(at, name, TYPE.A);
        assert.deepEqual([reply.id, reply.rcode, reply.recursionAvailable, reply.authoritative], [77, 0, true, false]);
        assert.deepEqual(
          reply.answers.map((r) => r.name),
          [name],
        );
        // it has grown old meanwhile
        assert.ok((reply.answers[0]?.ttl ?? 0) > 30 && (reply.answers[0]?.ttl ?? 61) <= 60);
        assert.equal(reply.edns, undefined, 'no OPT for a client that sent none');
      }
      assert.deepEqual(
        upstream.seen.map((s) => s.name),
        ['a.example.com', 'b.example.com', 'c.example.com'],
      );
      assert.equal(new Set(upstream.seen.map((s) => s.port)).size, 3, 'a port of its own each');
      assert.ok(new Set(upstream.seen.map((s) => s.id)).size > 1, 'ids differ');
      assert.deepEqual([server.forwarder.cache.hits, server.forwarder.cache.size], [2, 3]);
    });
  });

  test('a negative answer is kept as its SOA says, a ttl of 0 is not kept', async () => {
    const upstream = await startUpstream((q) =>
      q.questions[0]?.name === 'zero.example.com'
        ? answerTo(q, [address('zero.example.com', '192.0.2.9', 0)])
        : answerTo(q, [], { rcode: RCODE.NXDOMAIN, authorities: [soa('example.com', 20)] }),
    );
    await withServer([upstream.at], async (_, at) => {
      for (let i = 0; i < 2; i++) {
        const reply = await ask(at, 'gone.example.com', TYPE.A);
        assert.deepEqual([reply.rcode, reply.authorities[0]?.name], [RCODE.NXDOMAIN, 'example.com']);
        await ask(at, 'zero.example.com', TYPE.A);
      }
      assert.deepEqual(
        upstream.seen.map((s) => s.name),
        ['gone.example.com', 'zero.example.com', 'zero.example.com'],
      );
    });
  });

  test('a resolver that is silent, refuses or is not there is passed over', async () => {
    const silent = await startUpstream(() => undefined);
    const refusing = await startUpstream((q) => answerTo(q, [], { rcode: RCODE.SERVFAIL }));
    const good = await startUpstream((q) => answerTo(q, [address('x.example.com', '192.0.2.2')]));
    const closed = { address: '127.0.0.1', port: 1 };
    for (const bad of [silent.at, refusing.at, closed]) {
      const askThrice = async (_: DnsServer, at: SocketAddress): Promise<void> => {
        for (let i = 0; i < 3; i++) assert.equal((await ask(at, 'x.example.com', TYPE.A)).answers.length, 1);
      };
      await withServer([bad, good.at], askThrice, bad === silent.at ? 1000 : undefined);
    }
    const askInVain = async (server: DnsServer, at: SocketAddress): Promise<void> => {
      assert.equal((await ask(at, 'y.example.com', TYPE.A)).rcode, RCODE.SERVFAIL);
      assert.equal(server.forwarder.counters.asked, 3);
    };
    await withServer([silent.at], askInVain, 150);
  });

  test('an answer with another id, another question or bytes that do not decode is not believed', async () => {
    const forged = await startUpstream((q) => answerTo(q, [address('x.example.com', '192.0.2.66')], { id: q.id ^ 1 }));
    const other = await startUpstream((q) =>
      answerTo(q, [address('x.example.com', '192.0.2.66')], {
        questions: [{ name: 'bank.example.com', type: TYPE.A, class: 1 }],
      }),
    );
    const askInVain = async (_: DnsServer, at: SocketAddress): Promise<void> =>
      assert.equal((await ask(at, 'x.example.com', TYPE.A)).rcode, RCODE.SERVFAIL);
    for (const upstream of [forged, other]) await withServer([upstream.at], askInVain, 150);
  });

  test('a cut off answer is asked for again over TCP', async () => {
    const many = Array.from({ length: 100 }, (_, i) => address('big.example.com', `192.0.2.${i}`));
    const upstream = await startUpstream((q, transport) =>
      transport === 'udp' ? answerTo(q, [], { truncated: true }) : answerTo(q, many),
    );
    await withServer([upstream.at], async (_, at) => {
      const udp = await ask(at, 'big.example.com', TYPE.A);
      assert.equal(udp.truncated, true);
      const [tcp] = await askTcp(at, frame(encodeQuery('big.example.com', TYPE.A, { id: 3 })), 1);
      assert.deepEqual([tcp?.truncated, tcp?.answers.length], [false, 100]);
    });
  });

  test('an ExternalName outside of the zone is followed upstream', async () => {
    const alias: ResourceRecord = {
      name: 'www.example.com',
      type: TYPE.CNAME,
      class: 1,
      ttl: 30,
      data: { kind: 'name', name: 'web.example.com' },
    };
    const upstream = await startUpstream((q) => answerTo(q, [alias, address('web.example.com', '192.0.2.7')]));
    await withServer([upstream.at], async (_, at) => {
      const reply = await ask(at, 'out.default.svc.cluster.local', TYPE.A);
      assert.deepEqual(
        reply.answers.map((r) => r.name),
        ['out.default.svc.cluster.local', 'www.example.com', 'web.example.com'],
      );
      assert.deepEqual(reply.answers.at(-1)?.data, { kind: 'address', address: '192.0.2.7' });
      assert.equal(upstream.seen[0]?.name, 'www.example.com');
    });
  });
});
