import { type ProbeName, probe } from './probe.ts';

/** For the `skip` of tests: which probe says that the kernel cannot do one of these, and why; false when it can do all. */
export function lacking(...names: readonly ProbeName[]): string | false {
  for (const name of names) {
    const { outcome, reason } = probe(name);
    if (outcome !== 'yes') return `probe ${name}: ${outcome}: ${reason}`;
  }
  return false;
}
