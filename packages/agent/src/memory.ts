import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { releaseProgramPages, trimAllocator } from '@podwire/kernel';
import flags from './node-flags.json' with { type: 'json' };

/**
 * What Node is started with for an agent (tools/run.mjs reads the same file), in MiB: the space for new objects has one size. Where it grows, as V8 lets it, what
 * the first list made it grow to stays resident until the agent is idle, and then it shrinks so far that every twentieth change
 * waits 0.7 ms for a collection.
 */
export const AGENT_NODE_FLAGS: readonly string[] = flags;

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

/**
 * Gives back what only the start needed, with 10,000 Services some 25 MiB of its own and 30 MiB of Node's program file; takes a
 * tenth of a second, once all is in force.
 */
export function releaseMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  collect({ type: 'major', flavor: 'last-resort' });
  trimAllocator();
  releaseProgramPages();
}
