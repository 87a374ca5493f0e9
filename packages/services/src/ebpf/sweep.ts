import fs from 'node:fs';
import { pinsOf } from './place.ts';

/**
 * Takes off the programs of mode ebpf that the agent with this run directory has left, and removes their pins: for a node
 * that is gone, of which no agent will be started again. Returns whether there were any.
 */
export async function sweepSockets(runDirectory: string, bpffs?: string): Promise<boolean> {
  const pins = pinsOf(runDirectory, bpffs);
  if (pins === undefined || !fs.existsSync(pins)) return false;
  const { removePins } = await import('./socket-hooks.ts');
  removePins(pins);
  return true;
}
