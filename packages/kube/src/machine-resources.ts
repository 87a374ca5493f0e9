import os from 'node:os';

const MAX_PODS = 1000;

/** What a node that is this machine offers to pods, as quantities of `status.capacity` and `status.allocatable`. */
export function machineResources(): Record<'cpu' | 'memory' | 'pods' | 'ephemeral-storage', string> {
  return {
    cpu: String(os.cpus().length),
    memory: `${Math.floor(os.totalmem() / 1024)}Ki`,
    pods: String(MAX_PODS),
    'ephemeral-storage': '100Gi',
  };
}
