import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { hasCode, silentLogger } from '@podwire/base';
import fc from 'fast-check';
import { decodeMessage } from './decode.ts';
import { encodeQuery } from './encode.ts';
import { FLAG, RCODE, TYPE } from './numbers.ts';
import { ask, askTcp, askUdp } from './question.fixture.ts';
import { type DnsServer, startDnsServer } from './server.ts';
import { smallZone, WIDE } from './small-zone.fixture.ts';
import { localSockets, type SocketAddress, type SocketSource } from './sockets.ts';
import { frame } from './tcp-frames.ts';

const ANY_PORT = { address: '127.0.0.1', port: 0 };

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
