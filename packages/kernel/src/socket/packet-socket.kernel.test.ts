import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { isErrno } from '../errors.ts';
import { withNetns } from '../testing.ts';
import { type Frame, openPacketSocket } from './packet-socket.ts';

/** An Ethernet frame of the local experimental type 0x88b5. */
const frame = (payload: string) =>
  Buffer.concat([Buffer.from('ffffffffffff02000000000188b5', 'hex'), Buffer.from(payload.padEnd(46))]);
const isOurs = ({ bytes }: Frame) => bytes.readUInt16BE(12) === 0x88b5;

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 2000 && !condition(); waited += 5)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition());
}

test('a frame sent by one end of a veth arrives at the other; both directions are told apart', async () => {
  await withNetns(2, async (a, b) => {
    execFileSync('ip', [
      '-n',
      a.name ?? '',
      'link',
      'add',
      'v0',
      'type',
      'veth',
      'peer',
      'name',
      'v1',
      'netns',
      b.name ?? '',
    ]);
    execFileSync('ip', ['-n', a.name ?? '', 'link', 'set', 'v0', 'up']);
    execFileSync('ip', ['-n', b.name ?? '', 'link', 'set', 'v1', 'up']);
    const sent: Frame[] = [];
    const received: Frame[] = [];
    const left = openPacketSocket({ netns: a, link: 'v0' });
    const watcher = openPacketSocket({ netns: a, link: 'v0', onFrame: (f) => isOurs(f) && sent.push(f) });
    const right = openPacketSocket({ netns: b, link: 'v1', onFrame: (f) => isOurs(f) && received.push(f) });
    try {
      // a link that has just been raised drops frames until its queue is in place
      await until(() => {
        left.send(frame('warm-up'));
        return received.length > 0 && sent.length > 0;
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      received.length = sent.length = 0;
      for (let i = 0; i < 100; i++) left.send(frame(`number ${i}`));
      await until(() => received.length === 100 && sent.length === 100);
      assert.deepEqual(received[99], { bytes: frame('number 99'), direction: 'in' });
      assert.equal(sent[0]?.direction, 'out');
      execFileSync('ip', ['-n', b.name ?? '', 'link', 'set', 'v1', 'down']);
      execFileSync('ip', ['-n', b.name ?? '', 'link', 'set', 'v1', 'up']);
      await until(() => {
        left.send(frame('after link down'));
        return received.length > 100;
      });
    } finally {
      for (const socket of [left, watcher, right]) socket.close();
    }
  });
});

test('a link that does not exist is ENODEV', async () => {
  await withNetns(1, (netns) => {
    assert.throws(
      () => openPacketSocket({ netns, link: 'nope0' }),
      (error) => isErrno(error, 'ENODEV'),
    );
  });
});
