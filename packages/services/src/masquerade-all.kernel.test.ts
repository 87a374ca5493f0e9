import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putService } from './api-objects.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './ebpf/socket-world.fixture.ts';
import type { ProxyMode } from './proxy.ts';
import { ADDRESS, ADDRESS6, withWorld } from './world.fixture.ts';

for (const proxyMode of ['nftables', 'iptables', 'userspace'] satisfies ProxyMode[])
  test(`masqueradeAll: endpoints see the node, in mode ${proxyMode} (SVC-8)`, () =>
    withWorld(
      async ({ informers, room, connect }) => {
        putService(informers, '10.96.0.1', { backends: ['near1', 'far'] });
        putService(informers, 'fd00:96::1', { backends: ['near1'], addressType: 'IPv6' });
        await room.idle();
        for (const client of ['client', 'node'] as const)
          for (let turn = 0; turn < 8; turn++) {
            const { source } = await connect(client, '10.96.0.1', 80);
            assert.equal(source, ADDRESS.node, `from ${client}`);
          }
        assert.equal((await connect('client', 'fd00:96::1', 80)).source, ADDRESS6.node);
      },
      () => ({ proxyMode, dualStack: true, config: { masqueradeAll: true } }),
    ));

test('masqueradeAll: mode ebpf says that sockets keep their addresses', { skip: lackingSocketProbe() }, () =>
  withSocketWorld(
    'ebpf',
    async ({ room }) => {
      assert.match(room.status().limits?.join('\n') ?? '', /^masqueradeAll does not hold for sockets/m);
    },
    { config: { masqueradeAll: true } },
  ),
);
