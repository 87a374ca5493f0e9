import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { messageOf, PodwireError } from '@podwire/base';
import { probe } from '@podwire/kernel';
import { createKubeClient } from '@podwire/kube';
import {
  type CheckRow,
  DAEMON_FILE,
  type LabConfig,
  labExists,
  labPaths,
  type Progress,
  parseLabConfig,
  runningDaemon,
  sweepLab,
} from '@podwire/lab';
import { buildShim } from '@podwire/pods';
import pc from 'picocolors';
import { formatRow } from './check.ts';
import { streamDaemon } from './control-client.ts';
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

export async function up(options: UpOptions): Promise<number> {
  const input = labInput(options);
  const config = parseLabConfig(input);
  // Read before anything is made: a manifest that does not parse must leave nothing behind.
  const manifests = readManifests(options.filename.length > 0 ? options.filename : [EXAMPLE]);
  becomeRoot();
  const running = runningDaemon(config.name);
  if (running) {
    say(
      `lab "${config.name}" is running already (process ${running.pid}); nothing changed. "podwire status" shows it, "podwire down" removes it.`,
    );
    return 0;
  }
  await installSystemPackages(LAB_PACKAGES, say);
  await installShim();
  requireKernel(config);
  await requireFreePort(config.apiPort);
  await removeLeftovers(config.name);
  await startDaemon(config, input);
  try {
    const socketPath = labPaths(config.name).apiSocket;
    for (const line of await applyManifests(socketPath, manifests)) say(line);
    const client = createKubeClient({ socketPath });
    if (options.wait) say(`workloads ready after ${(await waitForWorkloads(client, config.name)).toFixed(1)} s`);
    client.close();
  } catch (error) {
    await sweepLab(config.name, { state: true });
    throw error;
  }
  const passed = !options.wait || !options.check || (await runCheck(config.name));
  summary(config);
  return passed ? 0 : 1;
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
  say(`lab "${name}" had ended without "podwire down": removing its leftovers, keeping its objects`);
  await sweepLab(name, { state: false });
}

async function startDaemon(config: LabConfig, input: unknown): Promise<void> {
  const paths = labPaths(config.name);
  for (const directory of [paths.run, paths.state]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(paths.configFile, JSON.stringify(input), { mode: 0o600 });
  const log = openSync(paths.log, 'a', 0o600);
  const daemon = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', DAEMON_FILE, config.name], {
    detached: true,
    cwd: '/',
    // All of the daemon's threads load the same modules: the second start finds them compiled.
    env: { ...process.env, NODE_COMPILE_CACHE: path.join(CACHE, 'compiled') },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  daemon.unref();
  const ended = new Promise<never>((_, reject) => {
    daemon.once('exit', (code, signal) =>
      reject(
        new PodwireError(
          'CLI_START',
          `the lab's daemon ended (${signal ?? `exit code ${code}`}): ${lastLine(paths.log)}`,
        ),
      ),
    );
  });
  try {
    await Promise.race([followProgress(config.name), ended]);
    daemon.removeAllListeners('exit');
    ended.catch(() => {});
  } catch (error) {
    const failure =
      error instanceof PodwireError ? error : new PodwireError('CLI_START', messageOf(error), { cause: error });
    await sweepLab(config.name, { state: false });
    throw failure;
  }
}

function lastLine(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
}

async function followProgress(name: string): Promise<void> {
  for await (const { step, ms, ready, failed } of progressLines(name)) {
    if (failed !== undefined) throw new PodwireError('CLI_START', `the lab did not start: ${failed}`);
    if (step) say(`${pc.green('up')}     ${step} ${pc.dim(`(${(ms / 1000).toFixed(2)} s)`)}`);
    if (ready) return;
  }
  throw new PodwireError('CLI_START', "the lab's daemon closed its progress before it was ready");
}

/** The daemon needs a moment until it listens. */
async function* progressLines(name: string): AsyncGenerator<Progress> {
  for (let attempt = 0; ; attempt++) {
    try {
      yield* streamDaemon<Progress>(name, '/progress', 'GET');
      return;
    } catch (error) {
      if (attempt > 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function runCheck(name: string): Promise<boolean> {
  let failed = 0;
  for await (const row of streamDaemon<CheckRow>(name, '/check', 'POST')) {
    if (!row.ok) failed++;
    say(formatRow(row));
  }
  return failed === 0;
}

function summary(config: LabConfig): void {
  const other = config.name === 'lab' ? '' : ` --name ${config.name}`;
  say(`
Lab "${config.name}" is up: ${config.nodes.length} nodes, API server https://127.0.0.1:${config.apiPort}
kubeconfig: ${labPaths(config.name).kubeconfig}

Try:
  ./podwire status${other}
  ./podwire kubectl get pods -o wide
  ./podwire plan services --node node-1${other}
  ./podwire down${other}`);
}
