import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { PROBES, probe } from './probe.ts';

test('every probe answers, a no says why, and the thread stays where it was', () => {
  const home = fs.readlinkSync('/proc/thread-self/ns/net');
  for (const name of PROBES) {
    const { outcome, reason } = probe(name);
    assert.ok(outcome === 'yes' || (reason ?? '').length > 10, `${name}: ${outcome} ${reason}`);
    assert.equal(fs.readlinkSync('/proc/thread-self/ns/net'), home);
  }
});

test('what podwire cannot do without is there', () => {
  for (const name of ['netns', 'veth', 'bridge', 'vxlan', 'nftables', 'nft-nat', 'nft-fib', 'nft-numgen'] as const) {
    assert.deepEqual(probe(name), { outcome: 'yes' }, name);
  }
});
