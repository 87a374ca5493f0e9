import assert from 'node:assert/strict';
import test from 'node:test';
import { hasCode, parseIp } from '@podwire/base';
import { DatagramBatch } from './datagram-batch.ts';
import { encodeSockaddr } from './sockaddr.ts';

test('a slot keeps nothing of an address it had before, and takes an address out of its own batch', () => {
  const batch = new DatagramBatch({ count: 2 });
  batch.setPeer(0, encodeSockaddr(parseIp('ff::ff'), 65_535, 3));
  const v4 = encodeSockaddr(parseIp('10.0.0.1'), 80);
  batch.setPeer(0, v4);
  assert.equal(batch.peerBytes(0).toString('hex'), v4.toString('hex').padEnd(64, '0'));
  batch.setPeer(0, batch.peerBytes(0));
  batch.setPeer(1, batch.peerBytes(0));
  assert.deepEqual(batch.peerOf(1), { address: '10.0.0.1', port: 80, scope: 0 });
  assert.throws(
    () => batch.setPeer(0, Buffer.alloc(33)),
    (error) => hasCode(error, 'KERNEL_ENCODE'),
  );
});
