import assert from 'node:assert/strict';
import test from 'node:test';
import { lacking } from '../probe/lacking.fixture.ts';
import './bpf-probe.kernel.test.ts';
import './link.kernel.test.ts';
import './map.kernel.test.ts';
import './program.kernel.test.ts';
import './ringbuf.kernel.test.ts';
import './tables.kernel.test.ts';

/** All the same tests once more, on a kernel of another age than the machine's. */
test('the guest is old enough to lack tcx and new enough for ring buffers', () => {
  assert.equal(lacking('bpf', 'bpf-ringbuf', 'bpf-map-batch', 'bpf-cgroup-link', 'bpf-lru', 'bpf-sk-lookup'), false);
  assert.match(String(lacking('bpf-tcx')), /attach BPF program/);
  assert.match(String(lacking('bpf-isa-v4')), /the verifier says/);
});
