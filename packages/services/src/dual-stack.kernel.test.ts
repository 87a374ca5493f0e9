import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindUdp } from '@podwire/kernel';
import { putService, putSlice } from './api-objects.fixture.ts';
import { ADDRESS6, withWorld } from './world.fixture.ts';

test('mode nftables in both families, with real packets', { timeout: 600_000 }, (t) =>
  withWorld(
    async (world) => {
      const { informers } = world;
      const name = putService(informers, '10.96.0.7', { clusterIPs: ['10.96.0.7', 'fd00:96::7'] });
      const putEndpoint = async (place: 'near1' | 'near2'): Promise<void> => {
        putSlice(informers, name, { backends: [place], addressType: 'IPv6' }, `${name}-6`);
        await world.room.idle();
      };

      await t.test('a UDP client moves when its endpoint goes (SVC-25)', async () => {
        await putEndpoint('near1');
        const client = await bindUdp({ netns: world.netns.client, address: ADDRESS6.client, port: 40_000 });
        let question = 0;
        let answer: string | undefined;
        client
          .on('error', () => {})
          .on('message', (data) => {
            const { server, said } = JSON.parse(String(data));
            // not what was asked before and is answered late
            if (said === `?${question}`) answer = server;
          });
        const ask = async (): Promise<string | undefined> => {
          question++;
          answer = undefined;
          for (let i = 0; i < 3000 && answer === undefined; i++) {
            client.send(`?${question}`, 53, 'fd00:96::7');
            await sleep(20);
          }
          return answer;
        };
        try {
          assert.equal(await ask(), 'near1');
          await putEndpoint('near2');
          assert.equal(await ask(), 'near2');
        } finally {
          client.close();
        }
      });

      await t.test('one table per family, both in step, both adopted and both removed', async () => {
        const tables = (): string[] => world.run('node', 'nft', 'list', 'tables').trim().split('\n');
        assert.deepEqual(tables(), ['table ip podwire-services', 'table ip6 podwire-services']);
        assert.deepEqual(await world.room.diff(), []);
        await world.restart();
        assert.equal(world.room.status().facts.commands, 0);
        world.run('node', 'nft', 'flush', 'table', 'ip6', 'podwire-services');
        await world.room.resync();
        assert.equal((await world.connect('client', 'fd00:96::7', 80)).server, 'near2:8080');
        await world.room.cleanup();
        assert.deepEqual(tables(), ['']);
      });
    },
    () => ({ dualStack: true }),
  ),
);
