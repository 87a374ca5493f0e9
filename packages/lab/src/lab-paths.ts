import path from 'node:path';
import { PodwireError } from '@podwire/base';

/** Where a lab keeps its files; both directories are 0700 and gone after `podwire down`. */
export interface LabPaths {
  readonly run: string;
  readonly state: string;
  readonly pidFile: string;
  /** Beside the directories: it outlives them while `down` removes them. */
  readonly lockFile: string;
  readonly configFile: string;
  /** What PersistentVolumeClaims keep. */
  readonly claims: string;
  readonly controlSocket: string;
  /** Of the administrator. */
  readonly apiSocket: string;
  /** Of the agents, who show their tokens. */
  readonly agentSocket: string;
  readonly kubeconfig: string;
  readonly log: string;
  node(name: string): NodePaths;
}

export interface NodePaths {
  readonly run: string;
  readonly state: string;
  readonly cniSocket: string;
  /** The agent's token (0600), renewed while the lab runs. */
  readonly tokenFile: string;
}

const RUN_ROOT = '/run/podwire';
const STATE_ROOT = '/var/lib/podwire';

/** Part of paths, namespace names and arguments: nothing in it can mean anything else there. */
export const LAB_NAME = /^[a-z][a-z0-9]{0,7}$/;

/** Throws LAB_BAD_CONFIG when the name cannot be a lab's. */
export function requireLabName(lab: string): void {
  if (!LAB_NAME.test(lab))
    throw new PodwireError(
      'LAB_BAD_CONFIG',
      `${JSON.stringify(lab)} cannot be the name of a lab: write 1 to 8 of a-z and 0-9, a letter first`,
    );
}

/** Throws LAB_BAD_CONFIG: these paths get removed, so a name must never lead out of them. */
export function labPaths(lab: string): LabPaths {
  requireLabName(lab);
  const run = path.join(RUN_ROOT, lab);
  const state = path.join(STATE_ROOT, lab);
  const node = (name: string) => ({
    run: path.join(run, name),
    state: path.join(state, name),
    cniSocket: path.join(run, name, 'cni.sock'),
    tokenFile: path.join(run, name, 'token'),
  });
  return {
    run,
    state,
    node,
    lockFile: path.join(RUN_ROOT, `${lab}.lock`),
    pidFile: path.join(run, 'daemon.pid'),
    configFile: path.join(state, 'lab.json'),
    claims: path.join(state, 'claims'),
    controlSocket: path.join(run, 'control.sock'),
    apiSocket: path.join(run, 'api.sock'),
    agentSocket: path.join(run, 'agents.sock'),
    kubeconfig: path.join(run, 'kubeconfig'),
    log: path.join(run, 'daemon.log'),
  };
}
