import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '@podwire/base';
import { deleteNetns, listNetns, openNetns, pidsInNetns } from '@podwire/kernel';
import { sweepSockets } from '@podwire/services/sweep';
import { LAB_NAME, labPaths } from './lab-paths.ts';
import { startTimeOf } from './pid-identity.ts';
import { netnsName } from './topology.ts';

/** What a sweep removed, for the summary of `podwire down`. */
export interface Swept {
  readonly daemon: boolean;
  readonly namespaces: number;
  readonly processes: number;
}

/** Pid and start time, so that a recycled pid is never mistaken for the daemon. */
export interface DaemonIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, in clock ticks since boot (proc(5)). */
  readonly startTime: string;
}

/** The daemon of the lab if it lives. */
export function runningDaemon(lab: string): DaemonIdentity | undefined {
  const { pidFile } = labPaths(lab);
  try {
    const [pid = '', startTime = ''] = readFileSync(pidFile, 'utf8').trim().split(' ');
    return startTime !== '' && startTimeOf(Number(pid)) === startTime ? { pid: Number(pid), startTime } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether anything of the lab is left anywhere. */
export function labExists(lab: string): boolean {
  const { run, state } = labPaths(lab);
  return existsSync(run) || existsSync(state) || labNamespaces(lab).length > 0;
}

function labNamespaces(lab: string): string[] {
  return listNetns().filter((name) => name.startsWith(netnsName(lab, '')));
}

/** Every lab of this machine, running or left over. */
export function labNames(): string[] {
  const directories = ['/run/podwire', '/var/lib/podwire'].flatMap((root) =>
    existsSync(root) ? readdirSync(root) : [],
  );
  const namespaces = listNetns().flatMap((name) => /^pw-([a-z][a-z0-9]*)-/.exec(name)?.[1] ?? []);
  return [...new Set([...directories, ...namespaces])].filter((name) => LAB_NAME.test(name)).sort();
}

/**
 * Removes what the kernel and /run hold of a lab, found by name alone, so that it works after kill -9 of the daemon:
 * the daemon, every process in one of the lab's namespaces, the namespaces with all their links, routes and tables, and
 * what the nodes have at the cgroups of the machine.
 * With `state: true` also the stored objects.
 */
export async function sweepLab(lab: string, options: { readonly state: boolean }): Promise<Swept> {
  const { run, state } = labPaths(lab);
  const daemon = runningDaemon(lab);
  if (daemon) await endDaemon(daemon);
  const namespaces = labNamespaces(lab);
  const processes = await endProcesses(namespaces);
  for (const node of nodesOf(lab, namespaces)) await sweepSockets(labPaths(lab).node(node).run);
  for (const name of namespaces) deleteNetns(name);
  for (const directory of options.state ? [run, state] : [run]) {
    rmSync(directory, { recursive: true, force: true });
    removeIfEmpty(path.dirname(directory));
  }
  return { daemon: daemon !== undefined, namespaces: namespaces.length, processes };
}

/** By their directories and their namespaces: after a crash one of the two may be gone. */
function nodesOf(lab: string, namespaces: readonly string[]): string[] {
  const { run } = labPaths(lab);
  const directories = existsSync(run) ? readdirSync(run) : [];
  const roles = namespaces.map((name) => name.slice(netnsName(lab, '').length));
  return [...new Set([...directories, ...roles])].filter((name) => /^node-\d+$/.test(name));
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Other labs still use it.
  }
}

async function endDaemon({ pid, startTime }: DaemonIdentity): Promise<void> {
  kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 1500; waited += 10) {
    if (startTimeOf(pid) !== startTime) return;
    await sleep(10);
  }
  kill(pid, 'SIGKILL');
  while (startTimeOf(pid) === startTime) await sleep(5);
}

/** Kills until none is left: a process may fork between the scan and the signal. */
async function endProcesses(names: readonly string[]): Promise<number> {
  const inodes = new Set(names.flatMap((name) => inodeOf(name) ?? []));
  const seen = new Set<number>();
  for (let round = 0; round < 2000; round++) {
    const pids = pidsInNetns(inodes).filter((pid) => pid !== process.pid);
    if (pids.length === 0) break;
    for (const pid of pids) {
      seen.add(pid);
      kill(pid, 'SIGKILL');
    }
    await sleep(5);
  }
  return seen.size;
}

/** Undefined for a name that is no namespace: a crash between making the file and mounting on it leaves such a file. */
function inodeOf(name: string): bigint | undefined {
  try {
    const netns = openNetns(name);
    netns.close();
    return netns.inode;
  } catch (error) {
    if (hasCode(error, 'KERNEL_BAD_NETNS')) return undefined;
    throw error;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
