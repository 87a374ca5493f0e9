import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp } from '@podwire/base';
import type { EntryKey } from './layout.ts';
import { openIn } from './open-connections.ts';

const LISTING = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0AF40102 9C40 0A600101 0050 0AF40105 1F90 TIME_WAIT       118
TCP 0AF40102 9C41 0A600101 0050 0AF40106 1F90 CLOSE             8
TCP 0AF40102 9C42 0A600101 0050 0AF40106 1F90 CLOSE_WAIT       50
TCP 0AF40102 0000 0A600102 0050 0AF40105 1F90 NONE            300
TCP fd00:0244:0001:0000:0000:0000:0000:0002 9C43 fd00:0096:0000:0000:0000:0000:0000:0001 0050 fd00:0244:0001:0000:0000:0000:0000:0005 1F90 ESTABLISHED     899
`;

test('only what one end may still send by is open', () => {
  const isOpen = openIn(LISTING) ?? assert.fail();
  const at = (address: string): EntryKey => [parseIp(address), 'tcp', 80];
  assert.equal(isOpen(at('10.96.1.1'), '10.244.1.5:8080'), false);
  assert.equal(isOpen(at('10.96.1.1'), '10.244.1.6:8080'), true);
  assert.equal(isOpen(at('10.96.1.2'), '10.244.1.5:8080'), false);
  assert.equal(isOpen(at('fd00:96::1'), '[fd00:244:1::5]:8080'), true);
});

test('a listing without connections has none open, one of other columns tells nothing', () => {
  const [columns = '', ...lines] = LISTING.split('\n');
  assert.equal(openIn(`${columns}\n`)?.([parseIp('10.96.1.1'), 'tcp', 80], '10.244.1.6:8080'), false);
  assert.equal(openIn(''), undefined);
  assert.equal(openIn([columns.replace('Pro ', 'Pro Mark '), ...lines].join('\n')), undefined);
});
