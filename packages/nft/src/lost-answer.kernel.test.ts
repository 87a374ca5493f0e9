import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { hasCode, PodwireError } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import type { Table } from './model.ts';
import { type Nft, openNft } from './nft.ts';
import { NftTransport } from './transport.ts';

const id = { family: 'ip', name: 't' } as const;
/** `count` counts: what is made anew begins at 0 again. */
const tableOf = (...addresses: string[]): Table => ({
  ...id,
  sets: [{ name: 's', key: ['ipv4_addr'], elements: addresses.map((address) => ({ key: [address] })) }],
  objects: [{ kind: 'counter', name: 'count', packets: 7 }],
  chains: [{ name: 'c', rules: [{ statements: [{ kind: 'counter' }] }] }],
});

/** The answers to the next transactions get lost: after they were done, or before they were sent. */
function loseAnswers(times: number, done: boolean): () => void {
  const commit = NftTransport.prototype.commit;
  let left = times;
  const spy = mock.method(
    NftTransport.prototype,
    'commit',
    function lossy(this: NftTransport, ...args: Parameters<NftTransport['commit']>) {
      if (left-- <= 0) return commit.apply(this, args);
      if (done) commit.apply(this, args);
      throw new PodwireError('KERNEL_NETLINK_LOST', 'the receive buffer overflowed');
    },
  );
  return () => spy.mock.restore();
}

/** The table as applied with other packets counted since, so that one who makes it anew is found out. */
function opened(run: (client: Nft) => void): Promise<void> {
  return withNetns(1, (netns) => {
    const client = openNft(netns as Netns);
    try {
      client.apply(tableOf('10.0.0.1'));
      run(client);
    } finally {
      mock.restoreAll();
      client.close();
    }
  });
}

for (const done of [true, false])
  for (const times of [1, 2, 3])
    test(`${times} answers lost, ${done ? 'though' : 'with what'} the kernel had done it: the table is as wished`, () =>
      opened((client) => {
        const restore = loseAnswers(times, done);
        client.change(id, [{ set: 's', add: [{ key: ['10.0.0.2'] }] }]);
        restore();
        assert.deepEqual(client.drift(tableOf('10.0.0.1', '10.0.0.2')), []);
        const again = loseAnswers(times, done);
        client.apply(tableOf('10.0.0.3'));
        again();
        assert.deepEqual(client.drift(tableOf('10.0.0.3')), []);
        assert.equal(client.apply(tableOf('10.0.0.3')).commands, 0);
      }));

test('a lost answer makes nobody replace a table that is right', () =>
  opened((client) => {
    const handles = () => client.observe('ip', 't')?.objects?.map((object) => object);
    const before = handles();
    loseAnswers(2, true);
    client.forget('ip', 't');
    client.apply({ ...tableOf('10.0.0.9'), objects: [{ kind: 'counter', name: 'count' }] });
    assert.deepEqual(handles(), before);
  }));

test('when no answer ever comes, it is said that nobody knows', () =>
  opened((client) => {
    loseAnswers(100, false);
    assert.throws(
      () => client.apply(tableOf('10.0.0.5')),
      (error) => hasCode(error, 'NFT_REFUSED') && /overflowed/.test(String(error)),
    );
  }));

test('a table whose deletion was not answered is deleted', () =>
  opened((client) => {
    loseAnswers(1, true);
    assert.equal(client.delete('ip', 't'), true);
    assert.deepEqual(client.tables(), []);
  }));
