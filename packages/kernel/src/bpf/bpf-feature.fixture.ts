import { messageOf } from '@podwire/base';
import { createAnonymousNetns } from '../netns/netns.ts';
import { BPF_PROBES, type BpfProbeName } from './bpf-probe.ts';

/** For the `skip` of tests: why the kernel cannot do one of these, or false when it can do all. */
export function lacking(...names: readonly BpfProbeName[]): string | false {
  const netns = createAnonymousNetns();
  try {
    for (const name of names) netns.run(BPF_PROBES[name]);
    return false;
  } catch (error) {
    return messageOf(error);
  } finally {
    netns.close();
  }
}
