import { test } from 'node:test';
import { putService } from '../api-objects.fixture.ts';
import { withWorld } from '../world.fixture.ts';

test('smoke', { timeout: 200_000 }, () =>
  withWorld(
    async (world) => {
      console.log(world.room.status());
      putService(world.informers, '10.96.0.1', {
        type: 'NodePort',
        externalTrafficPolicy: 'Local',
        ports: [
          { name: 'http', port: 80, nodePort: 30_080 },
          { name: 'dns', port: 53, protocol: 'UDP' },
        ],
      });
      putService(world.informers, '10.96.0.2', {
        backends: ['far'],
        type: 'NodePort',
        externalTrafficPolicy: 'Local',
        ports: [{ name: 'http', port: 80, nodePort: 30_082 }],
      });
      putService(world.informers, 'fd00:96::1', { addressType: 'IPv6' });
      await world.room.idle();
      console.log(world.room.status());
      console.log(
        world.run('node', 'ipvsadm', '-Ln'),
        world.run('node', 'ip', 'rule'),
        world.run('node', 'ip', 'route', 'show', 'table', '7115'),
      );
      for (const [from, to, port] of [
        ['client', '10.96.0.1', 80],
        ['node', '10.96.0.1', 80],
        ['outside', '10.96.0.1', 80],
        ['outside', '172.30.0.11', 30_080],
        ['client', '172.30.0.11', 30_080],
        ['node', '172.30.0.11', 30_080],
        ['outside', '172.30.0.11', 30_082],
        ['client', '172.30.0.11', 30_082],
        ['node', '172.30.0.11', 30_082],
        ['client', '10.96.0.1', 81],
        ['client', '10.97.0.1', 80],
        ['client', 'fd00:96::1', 80],
        ['node', 'fd00:96::1', 80],
        ['outside', 'fd00:96::1', 80],
        ['near1', '10.96.0.1', 80],
      ] as const)
        for (let i = 0; i < 3; i++) {
          const start = performance.now();
          const answer = await world.connect(from, to, port, 1000).catch(String);
          console.log(from, to, port, answer, Math.round(performance.now() - start));
        }
      console.log(await world.room.diff());
      console.log(await world.room.resync(), world.room.status().facts);
      console.log(world.run('node', 'ipvsadm', '-Lnc'));
      console.log(world.run('node', 'conntrack', '-L'));
    },
    () => ({ proxyMode: 'ipvs', dualStack: true }),
  ),
);
