import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A kubectl binary on this machine. */
export interface Kubectl {
  readonly path: string;
  readonly minor: number;
}

export interface KubectlResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const SDK_ROOTS = ['/usr/lib', '/opt', '/usr/local', '/usr/share'];
const OLDEST_MINOR = 29;

/** Every kubectl of 1.29 (or `oldest`) or newer on PATH or in a Google Cloud SDK, one per minor, newest first. */
export function findKubectls(oldest = OLDEST_MINOR): readonly Kubectl[] {
  const folders = SDK_ROOTS.map((root) => join(root, 'google-cloud-sdk/bin')).filter(existsSync);
  const inSdk = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^kubectl\.1\.\d+$/.test(name))
      .map((name) => join(folder, name)),
  );
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'kubectl'))
    .filter(existsSync);
  const byMinor = new Map<number, Kubectl>();
  for (const path of new Set([...onPath, ...inSdk].map((one) => realpathSync(one)))) {
    const minor = minorOf(path);
    if (minor !== undefined && minor >= oldest && !byMinor.has(minor)) byMinor.set(minor, { path, minor });
  }
  return [...byMinor.values()].sort((a, b) => b.minor - a.minor);
}

function minorOf(path: string): number | undefined {
  try {
    const text = execFileSync(path, ['version', '--client', '-o', 'json'], { encoding: 'utf8', timeout: 60_000 });
    return Number.parseInt((JSON.parse(text) as { clientVersion: { minor: string } }).clientVersion.minor, 10);
  } catch {
    return undefined;
  }
}

export interface KubectlSession {
  readonly kubectl: Kubectl;
  readonly kubeconfig: string;
  /** Holds kubectl's caches. */
  readonly home: string;
  /** Where commands run; the test's own unless said. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export function startKubectl(session: KubectlSession, args: readonly string[]): ChildProcess {
  const { kubectl, kubeconfig, home, folder, env } = session;
  return spawn(kubectl.path, args, {
    cwd: folder,
    env: { ...process.env, HOME: home, KUBECONFIG: kubeconfig, ...env },
  });
}

/** Runs a command to its end; 30 s at most. */
export async function runKubectl(
  session: KubectlSession,
  args: readonly string[],
  input?: string,
): Promise<KubectlResult> {
  const child = startKubectl(session, args);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin?.on('error', () => {}).end(input ?? '');
  const timer = setTimeout(() => child.kill(), 600_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, stdout, stderr };
}
