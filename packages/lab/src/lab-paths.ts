import path from 'node:path';

/** Where a lab keeps its files; both directories are 0700 and gone after `podwire down`. */
export interface LabPaths {
  readonly run: string;
  readonly state: string;
  readonly pidFile: string;
  readonly configFile: string;
  readonly controlSocket: string;
  readonly apiSocket: string;
  readonly kubeconfig: string;
  readonly log: string;
  node(name: string): { readonly run: string; readonly state: string; readonly cniSocket: string };
}

const RUN_ROOT = '/run/podwire';
const STATE_ROOT = '/var/lib/podwire';

export function labPaths(lab: string): LabPaths {
  const run = path.join(RUN_ROOT, lab);
  const state = path.join(STATE_ROOT, lab);
  const node = (name: string) => ({
    run: path.join(run, name),
    state: path.join(state, name),
    cniSocket: path.join(run, name, 'cni.sock'),
  });
  return {
    run,
    state,
    node,
    pidFile: path.join(run, 'daemon.pid'),
    configFile: path.join(state, 'lab.json'),
    controlSocket: path.join(run, 'control.sock'),
    apiSocket: path.join(run, 'api.sock'),
    kubeconfig: path.join(run, 'kubeconfig'),
    log: path.join(run, 'daemon.log'),
  };
}
