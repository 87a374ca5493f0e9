import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatModes } from './proxy-mode.ts';

test('proxy-mode tells errors and limits apart, as status does', () => {
  const rows = [
    { node: 'node-1', mode: 'nftables' },
    { node: 'node-2', mode: 'iptables', refused: 'no program' },
  ];
  assert.equal(
    formatModes(rows, ['node-1 services: not in force'], ['all nodes services: no SCTP']),
    [
      'NODE     PROXY-MODE\nnode-1   nftables\nnode-2   iptables',
      'refused\nnode-2: no program',
      'errors\nnode-1 services: not in force',
      'limits\nall nodes services: no SCTP',
    ].join('\n\n'),
  );
  assert.equal(formatModes(rows.slice(0, 1), [], []), 'NODE     PROXY-MODE\nnode-1   nftables');
});
