import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { openNft } from './nft.ts';
import { watchRuleset, writingByChild } from './ruleset-watch.ts';
import { NftTransport } from './transport.ts';

const own = (name: string) => ({ family: 'ip', name, sets: [], chains: [] }) as const;
const byOthers = ({ name = '' }: Netns, command: string): void =>
  void execFileSync('ip', ['netns', 'exec', name, 'nft', command]);

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 120_000;
  while (!condition() && performance.now() < end) await sleep(10);
  assert.ok(condition());
}

/** Counts how often the kernel was asked for the number. */
const asked = (): number => questions.mock.callCount();
const questions = mock.method(NftTransport.prototype, 'foreignWrites');

test(
  'what others write is told to all watches of a namespace, by one question, and what this thread writes is not',
  {
    timeout: 600_000,
  },
  () =>
    withNetns(2, async (netns, elsewhere) => {
      const told = [0, 0];
      const watches = [0, 1].map((i) =>
        watchRuleset({ netns, interval: i === 0 ? 5 : 60_000, onChange: () => told.splice(i, 1, (told[i] ?? 0) + 1) }),
      );
      const [one, two] = [openNft(netns), openNft(netns)];
      try {
        one.apply(own('a'));
        two.apply(own('b'));
        one.delete('ip', 'b');
        assert.equal(two.delete('ip', 'b'), false);
        await writingByChild(netns, async () => {
          byOthers(netns as Netns, 'add table ip ours');
          await sleep(20);
          one.apply(own('c'));
          await sleep(20);
        });
        byOthers(elsewhere as Netns, 'add table ip foreign');
        const before = asked();
        await until(() => asked() > before + 3);
        assert.deepEqual(told, [0, 0]);
        byOthers(netns as Netns, 'add table ip foreign');
        await until(() => told.every((count) => count > 0));
      } finally {
        for (const one of watches) one.stop();
      }
      const after = asked();
      await sleep(50);
      assert.equal(asked(), after, 'nobody is asked when nobody listens');
      one.close();
      two.close();
    }),
);

test('what others write during a look is told when the watch has rested', { timeout: 600_000 }, () =>
  withNetns(1, async (netns) => {
    let told = 0;
    const watch = watchRuleset({ netns, interval: 5, onChange: () => told++ });
    try {
      const looked = watch.look();
      byOthers(netns as Netns, 'add table ip foreign');
      const before = asked();
      await until(() => asked() > before + 3);
      assert.equal(told, 0);
      looked();
      await until(() => told > 0);
      watch.look()();
      const settled = told;
      const since = asked();
      await until(() => asked() > since + 3);
      assert.equal(told, settled, 'a look settles what was noticed before it');
    } finally {
      watch.stop();
    }
  }),
);

test('repair makes a table what it was left as, elements changed one by one included', () =>
  withNetns(1, (netns) => {
    const nft = openNft(netns);
    const set = { name: 's', key: ['ipv4_addr'], elements: [] } as const;
    const id = own('t');
    try {
      assert.deepEqual(nft.repair(id), { commands: 0 }, 'nobody applied it');
      nft.apply({ ...id, sets: [set] });
      nft.change(id, [{ set: 's', add: [{ key: ['10.0.0.1'] }] }]);
      assert.deepEqual(nft.repair(id), { commands: 0 });
      byOthers(netns as Netns, 'delete table ip t');
      assert.ok(nft.repair(id).commands > 0);
      assert.deepEqual(nft.drift({ ...id, sets: [{ ...set, elements: [{ key: ['10.0.0.1'] }] }] }), []);
    } finally {
      nft.close();
    }
  }));
