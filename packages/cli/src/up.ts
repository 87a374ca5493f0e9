import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { commandName, messageOf, PodwireError } from '@podwire/base';
import { probe } from '@podwire/kernel/probe';
import { createKubeClient, type Manifest } from '@podwire/kube';
import { type LabConfig, labExists, labPaths, lockLab, parseLabConfig, runningDaemon, sweepLab } from '@podwire/lab';
import { buildShim } from '@podwire/pods';
import { formatRow, runChecks } from './check.ts';
import { nameFlag } from './control-client.ts';
import { counted } from './counted.ts';
import { daemonReady, endChild, spawnDaemon } from './daemon-start.ts';
import { INTERRUPTED, watchInterruption } from './interruption.ts';
import { labInput, type ShapeOptions } from './lab-input.ts';
import { applyManifests, readManifests } from './manifests.ts';
import { waitForWorkloads } from './readiness.ts';
import { becomeRoot } from './root.ts';
import { installSystemPackages, LAB_PACKAGES } from './system-packages.ts';

export interface UpOptions extends ShapeOptions {
  readonly filename: readonly string[];
  readonly wait: boolean;
  readonly check: boolean;
}

const EXAMPLE = path.resolve(import.meta.dirname, '../../../examples/hello.yaml');
const CACHE = path.resolve(import.meta.dirname, '../../../node_modules/.cache/podwire');
const NEEDED = ['netns', 'veth', 'bridge', 'nftables', 'nft-nat'] as const;
const say = (line: string): void => console.log(line);

/** What one `up` has done so far: what there is to take back when it does not get to its end. */
interface Attempt {
  /** The objects are this attempt's own, not of a lab that had crashed. */
  readonly createsState: boolean;
  begun: boolean;
  daemon: ChildProcess | undefined;
  /** The manifests are in force: from here on a failure leaves the lab to be looked at. */
  standing: boolean;
}

interface Job {
  readonly options: UpOptions;
  readonly config: LabConfig;
  readonly input: unknown;
  readonly manifests: readonly Manifest[];
  readonly attempt: Attempt;
}

export async function up(options: UpOptions): Promise<number> {
  const input = labInput(options);
  const config = parseLabConfig(input);
  // Read before anything is made: a manifest that does not parse must leave nothing behind.
  const manifests = readManifests(options.filename.length > 0 ? options.filename : [EXAMPLE]);
  becomeRoot();
  const code = await upAlone({ options, config, input, manifests });
  // What was interrupted may still wait for answers that do not come.
  if (code === INTERRUPTED) process.exit(code);
  return code;
}

async function upAlone({ options, config, input, manifests }: Omit<Job, 'attempt'>): Promise<number> {
  const lock = lockLab(config.name);
  try {
    const running = runningDaemon(config.name);
    if (running) return sayRunning(config.name, running.pid, options);
    const attempt: Attempt = {
      createsState: !existsSync(labPaths(config.name).state),
      begun: false,
      daemon: undefined,
      standing: false,
    };
    return await makeOrTakeBack({ options, config, input, manifests, attempt });
  } finally {
    lock.release();
  }
}

/** Throws CLI_RUNNING when manifests were given: they are not applied, and that must not look like success. */
function sayRunning(lab: string, pid: number, { filename: files, proxyMode }: UpOptions): number {
  const podwire = commandName();
  if (files.length > 0)
    throw new PodwireError(
      'CLI_RUNNING',
      `lab "${lab}" is running already (process ${pid}), so ${files.join(', ')} was not applied; apply it with: ${podwire} kubectl${nameFlag(lab)} apply ${files.map((file) => `-f ${file}`).join(' ')}`,
    );
  say(
    `lab "${lab}" is running already (process ${pid}); nothing changed. "${podwire} status${nameFlag(lab)}" shows it, "${podwire} down${nameFlag(lab)}" removes it.`,
  );
  if (proxyMode !== undefined)
    say(`To change how it balances Services: ${podwire} proxy-mode ${proxyMode}${nameFlag(lab)}`);
  return 0;
}

async function makeOrTakeBack(job: Job): Promise<number> {
  const { attempt, config } = job;
  const interruption = watchInterruption();
  try {
    return await interruption.before(make(job, interruption.signal));
  } catch (error) {
    const { aborted } = interruption.signal;
    if (attempt.begun && (aborted || !attempt.standing)) {
      if (attempt.daemon) await endChild(attempt.daemon);
      await sweepLab(config.name, { state: attempt.createsState });
    }
    if (!aborted) throw error;
    const kept = attempt.createsState ? '' : '; the objects it had before are kept';
    process.stderr.write(`podwire: interrupted; what was made of lab "${config.name}" is removed${kept}\n`);
    return INTERRUPTED;
  } finally {
    interruption.end();
  }
}

async function make({ options, config, input, manifests, attempt }: Job, signal: AbortSignal): Promise<number> {
  await installSystemPackages(LAB_PACKAGES, say);
  await installShim();
  requireKernel(config);
  await requireFreePort(config.apiPort);
  signal.throwIfAborted();
  attempt.begun = true;
  await removeLeftovers(config.name);
  signal.throwIfAborted();
  attempt.daemon = spawnDaemon(config.name, input, path.join(CACHE, 'compiled'));
  await daemonReady(config.name, attempt.daemon, signal);
  const socketPath = labPaths(config.name).apiSocket;
  for (const line of await applyManifests(socketPath, manifests)) say(line);
  attempt.standing = true;
  const passed = !options.wait || (await becomesReady(config.name, options.check));
  signal.throwIfAborted();
  summary(config);
  return passed ? 0 : 1;
}

async function becomesReady(lab: string, check: boolean): Promise<boolean> {
  const client = createKubeClient({ socketPath: labPaths(lab).apiSocket });
  try {
    say(`workloads ready after ${(await waitForWorkloads(client, lab, say)).toFixed(1)} s`);
  } finally {
    client.close();
  }
  return !check || (await runChecks(lab, (row) => say(formatRow(row)))).every(({ ok }) => ok);
}

/** The CNI binary, for container runtimes; the lab's own pods go straight to the agent's socket. Built once a checkout. */
async function installShim(): Promise<void> {
  if (existsSync(path.join(CACHE, 'podwire-cni'))) return;
  say(
    `installing the CNI binary (${(await buildShim(CACHE)) === 'c' ? 'compiled' : 'as a script, there is no C compiler'})`,
  );
}

function requireKernel(config: LabConfig): void {
  for (const feature of config.cluster.backend === 'vxlan' ? [...NEEDED, 'vxlan' as const] : NEEDED) {
    const { outcome, reason } = probe(feature);
    if (outcome === 'no')
      throw new PodwireError(
        'CLI_KERNEL',
        `this kernel cannot do ${feature} (${reason}), which a lab needs; use a kernel with it, or run podwire in a virtual machine`,
      );
  }
}

function requireFreePort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (cause) =>
      reject(
        new PodwireError(
          'CLI_PORT_IN_USE',
          `the API server cannot listen on 127.0.0.1:${port} (${messageOf(cause)}); end what uses the port, or choose another with --api-port`,
          { cause },
        ),
      ),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}

async function removeLeftovers(name: string): Promise<void> {
  if (!labExists(name)) return;
  say(`lab "${name}" had ended without "${commandName()} down": removing its leftovers, keeping its objects`);
  await sweepLab(name, { state: false });
}

function summary(config: LabConfig): void {
  const [podwire, other] = [commandName(), nameFlag(config.name)];
  say(`
Lab "${config.name}" is up: ${counted(config.nodes.length, 'node')}, API server https://127.0.0.1:${config.apiPort}
kubeconfig: ${labPaths(config.name).kubeconfig}

Try:
  ${podwire} status${other}
  ${podwire} kubectl${other} get pods -o wide
  ${podwire} plan services --node node-1${other}
  ${podwire} down${other}`);
}
