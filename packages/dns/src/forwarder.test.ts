import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { silentLogger } from '@podwire/base';
import { encodeQuery } from './encode.ts';
import type { ResourceRecord } from './message.ts';
import { RCODE, TYPE } from './numbers.ts';
import { ask, askTcp } from './question.fixture.ts';
import { type DnsServer, startDnsServer } from './server.ts';
import { smallZone } from './small-zone.fixture.ts';
import type { SocketAddress } from './sockets.ts';
import { frame } from './tcp-frames.ts';
import { address, answerTo, closeUpstreams, soa, startUpstream } from './upstream.fixture.ts';

/** Runs with a server whose upstreams are these; it waits `timeout` ms for each, which is short where nothing is to come. */
async function withServer(
  upstreams: readonly SocketAddress[],
  run: (server: DnsServer, at: SocketAddress) => Promise<void>,
  timeout = 20_000,
): Promise<void> {
  const forward = { timeout };
  const server = await startDnsServer({
    zone: smallZone(),
    listen: [{ address: '127.0.0.1', port: 0 }],
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

describe('forwarding', () => {
  afterEach(closeUpstreams);

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
      assert.ok(new Set(upstream.seen.map((s) => s.port)).size > 1, 'a port of its own each, as the kernel draws it');
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
      await withServer([bad, good.at], askThrice, bad === silent.at ? 3000 : undefined);
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
