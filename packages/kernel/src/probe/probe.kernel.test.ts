import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { assertExpected } from './kernel-expect.fixture.ts';
import { PROBES, probe } from './probe.ts';

test('every probe answers, a no says why, and the thread stays where it was', () => {
  const home = fs.readlinkSync('/proc/thread-self/ns/net');
  for (const name of PROBES) {
    const { outcome, reason } = probe(name);
    assert.ok(outcome === 'yes' || (reason ?? '').length > 10, `${name}: ${outcome} ${reason}`);
    assert.equal(fs.readlinkSync('/proc/thread-self/ns/net'), home);
  }
});

test('a name that is no probe is refused with those alike', () => {
  const message = /"wiregard" as a probe; write wireguard, wireguard-netlink \(and \d+ others\)/;
  assert.throws(() => probe('wiregard' as 'wireguard'), { code: 'KERNEL_ENCODE', message });
});

test('the machine has what tools/kernel-expect.json lists for it', () => {
  assertExpected('host');
});
