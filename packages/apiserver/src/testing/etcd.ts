import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Path of etcd: that on PATH, or that of Debian's package etcd-server, taken out of it into ~/.cache. It is not installed,
 * for that starts it as a service.
 */
export async function findEtcd(): Promise<string> {
  const onPath = (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, 'etcd'));
  const found = onPath.find((file) => existsSync(file));
  if (found) return found;
  const cache = path.join(homedir(), '.cache/podwire');
  const kept = path.join(cache, 'etcd-server');
  const binary = path.join(kept, 'usr/bin/etcd');
  if (existsSync(binary)) return binary;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(path.join(cache, 'etcd-'));
  try {
    await download(scratch);
    const [file = ''] = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    await run('dpkg-deb', ['-x', path.join(scratch, file), path.join(scratch, 'etcd-server')]);
    // Somebody else may have been quicker.
    await rename(path.join(scratch, 'etcd-server'), kept).catch(() => {});
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return binary;
}

async function download(cwd: string): Promise<void> {
  const get = () => run('apt-get', ['download', '-qq', 'etcd-server'], { cwd });
  for (let left = 60; ; left--) {
    try {
      return void (await get());
    } catch (error) {
      if (left === 0) throw error;
    }
    // Somebody else may be at it just now, and then this is refused.
    await run('apt-get', ['update', '-qq']).catch(() => sleep(2000));
  }
}

/** Below the ports that connections get by themselves, so that nobody takes it while etcd is down; above those of labs. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 26_000 + Math.floor(Math.random() * 6_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

interface EtcdPlace {
  readonly binary: string;
  readonly directory: string;
  /** For clients, and for other members. */
  readonly ports: readonly [number, number];
  readonly tls: Certificate | undefined;
}

/** PEM texts. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An etcd of one member on loopback, with a directory of its own. */
export class EtcdProcess {
  readonly url: string;
  readonly #binary: string;
  readonly #directory: string;
  readonly #peer: string;
  readonly #tls: Certificate | undefined;
  #child: ChildProcess | undefined;

  private constructor({ binary, directory, ports: [port, peer], tls }: EtcdPlace) {
    this.#binary = binary;
    this.#directory = directory;
    this.#tls = tls;
    this.url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
    this.#peer = `http://127.0.0.1:${peer}`;
  }

  static async start(tls?: Certificate): Promise<EtcdProcess> {
    const binary = await findEtcd();
    for (let left = 5; ; left--) {
      const directory = await mkdtemp(path.join(tmpdir(), 'podwire-etcd-'));
      const etcd = new EtcdProcess({ binary, directory, ports: [await freePort(), await freePort()], tls });
      try {
        await etcd.up();
        return etcd;
      } catch (error) {
        await etcd.stop();
        // Somebody took the port in between.
        if (left === 0) throw error;
      }
    }
  }

  /** Resolves when it answers. */
  async up(): Promise<void> {
    const [url, peer] = [this.url, this.#peer];
    const client = ['--listen-client-urls', url, '--advertise-client-urls', url];
    const peers = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer];
    const secure = await this.#secure();
    const args = [
      '--data-dir',
      path.join(this.#directory, 'data'),
      ...secure,
      '--log-level',
      'error',
      ...client,
      ...peers,
    ];
    this.#child = spawn(this.#binary, [...args, '--initial-cluster', `default=${peer}`], { stdio: 'ignore' });
    const end = Date.now() + 60_000;
    while (Date.now() < end && this.#child.exitCode === null) {
      if (await this.#answers()) return;
      await sleep(20);
    }
    throw new Error(`etcd did not start (exit code ${this.#child.exitCode})`);
  }

  /** Flags for its certificate. */
  async #secure(): Promise<readonly string[]> {
    if (!this.#tls) return [];
    const { cert, key } = this.#tls;
    const files = { cert: path.join(this.#directory, 'cert.pem'), key: path.join(this.#directory, 'key.pem') };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key, { mode: 0o600 });
    return ['--cert-file', files.cert, '--key-file', files.key];
  }

  #answers(): Promise<boolean> {
    const { get } = this.#tls ? https : http;
    return new Promise((resolve) => {
      get(`${this.url}/health`, { agent: false, rejectUnauthorized: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      }).on('error', () => resolve(false));
    });
  }

  /** With -9, so that nothing is left to it. */
  async down(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async stop(): Promise<void> {
    await this.down();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** A call of its JSON gateway, as an operator's tool would make it. */
  async call<T>(method: string, body: object): Promise<T> {
    const answer = await fetch(`${this.url}/v3/${method}`, { method: 'POST', body: JSON.stringify(body) });
    return (await answer.json()) as T;
  }
}
