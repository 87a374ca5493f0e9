import assert from 'node:assert/strict';
import test from 'node:test';
import { KernelError } from '../errors.ts';
import { withNetns } from '../testing.ts';
import { openBpfFds } from './bpf-place.fixture.ts';
import { BPF_PROBES, tryFunction } from './bpf-probe.ts';

test('every probe answers by returning or by a KernelError, and leaves nothing open', async () => {
  await withNetns(1, (netns) => {
    const before = openBpfFds();
    const works = Object.entries(BPF_PROBES).filter(([, trial]) => {
      try {
        netns.run(trial);
        return true;
      } catch (error) {
        assert.ok(error instanceof KernelError, String(error));
        return false;
      }
    });
    assert.equal(openBpfFds(), before);
    for (const name of ['bpf', 'bpf-hash', 'bpf-map-batch', 'bpf-cgroup-connect4'] as const)
      assert.ok(
        works.some(([worked]) => worked === name),
        name,
      );
  });
});

test('a function is known to some types of programs and not to others', () => {
  tryFunction('sched_cls', 'redirect');
  tryFunction('xdp', 'xdp_adjust_head');
  const refused = (run: () => void) =>
    assert.throws(run, (error) => error instanceof KernelError && error.code === 'KERNEL_BPF_VERIFIER');
  refused(() => tryFunction('socket_filter', 'redirect'));
  refused(() => tryFunction('sched_cls', 'xdp_adjust_head'));
  refused(() => tryFunction('xdp', 'sk_select_reuseport'));
});
