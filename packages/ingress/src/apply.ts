import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, PodwireError } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { type DesiredProxy, formatConfig, formatMap, MAP_NAMES, type ProxySettings, reloadKey } from './plan.ts';
import { addMapCommands, runtimeCommand } from './runtime-socket.ts';

/** HAProxy as a child of this thread, in its netns. Apply brings it to the desired state with a reload only where one is needed. */
export class HaProxy {
  readonly #settings: ProxySettings;
  readonly #onDeath: (reason: string) => void;
  readonly #netns: Netns | undefined;
  #child: ChildProcess | undefined;
  #current: DesiredProxy | undefined;
  #errors = '';
  /** Of the configuration that is written. */
  #edition = '';

  /** Without `netns` HAProxy lives in the netns of the calling thread. */
  constructor(settings: ProxySettings, onDeath: (reason: string) => void, netns?: Netns) {
    this.#netns = netns;
    this.#settings = settings;
    this.#onDeath = onDeath;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** What was done: nothing, live changes, a reload or a start. */
  async apply(desired: DesiredProxy): Promise<'unchanged' | 'live' | 'reload' | 'start'> {
    const current = this.#current;
    if (this.#child && current && JSON.stringify(current) === JSON.stringify(desired)) return 'unchanged';
    await this.#write(desired);
    let how: 'live' | 'reload' | 'start' = 'live';
    if (!this.#child) {
      how = 'start';
      await this.#start();
    } else if (!current || reloadKey(current) !== reloadKey(desired) || !(await this.#tryLive(current, desired))) {
      how = 'reload';
      await this.#reload();
    }
    this.#current = desired;
    return how;
  }

  /** False when HAProxy does not take it; the files hold it already, so a reload will do. */
  async #tryLive(current: DesiredProxy, desired: DesiredProxy): Promise<boolean> {
    try {
      await this.#applyLive(current, desired);
      return true;
    } catch (error) {
      if (hasCode(error, 'INGRESS_RUNTIME')) return false;
      throw error;
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#current = undefined;
    if (!child) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  get #socket(): string {
    return path.join(this.#settings.directory, 'haproxy.sock');
  }

  async #write(desired: DesiredProxy): Promise<void> {
    const { directory } = this.#settings;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (desired.https) await this.#writeCertificates(desired);
    removeCertificates(directory, desired.https ? desired.certificates.length : 0);
    for (const name of MAP_NAMES) writeAtomically(path.join(directory, `${name}.map`), formatMap(desired.maps[name]));
    this.#edition = randomUUID();
    writeAtomically(path.join(directory, 'haproxy.cfg'), formatConfig(desired, this.#settings, this.#edition));
  }

  async #writeCertificates({ certificates }: DesiredProxy): Promise<void> {
    const { directory } = this.#settings;
    const fallback = path.join(directory, 'default.pem');
    // The certificate library is slow to load, and most clusters start without TLS.
    if (!existsSync(fallback))
      writeAtomically(fallback, await (await import('./default-certificate.ts')).defaultCertificate());
    const list = [fallback];
    certificates.forEach(({ pem, hosts }, i) => {
      const file = path.join(directory, certificateName(i));
      writeAtomically(file, pem);
      list.push([file, ...hosts].join(' '));
    });
    writeAtomically(path.join(directory, 'certificates.list'), `${list.join('\n')}\n`);
  }

  async #start(): Promise<void> {
    const { directory } = this.#settings;
    const launch = () =>
      spawn('/usr/sbin/haproxy', ['-W', '-db', '-f', path.join(directory, 'haproxy.cfg')], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    const child = this.#netns ? this.#netns.run(launch) : launch();
    this.#errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    child.once('error', (error: NodeJS.ErrnoException) =>
      this.#died(child, error.code === 'ENOENT' ? 'haproxy is not installed; apt-get install haproxy' : error.message),
    );
    child.once('exit', (code, signal) =>
      this.#died(child, `haproxy ended (${signal ?? `exit code ${code}`}): ${this.#alert()}`),
    );
    this.#child = child;
    await this.#inForce();
  }

  /**
   * SIGUSR2 to the master: a new worker takes over the listening sockets, the old one finishes its connections. A master
   * that has not yet come back from the reload before loses the signal, so it is sent again. A reload that was late for that
   * may read an older configuration, so a new worker alone does not say that this one is in force.
   */
  async #reload(): Promise<void> {
    this.#errors = '';
    const signal = (): void => void this.#child?.kill('SIGUSR2');
    const again = setInterval(signal, 1000);
    try {
      signal();
      await this.#inForce();
    } finally {
      clearInterval(again);
    }
  }

  async #inForce(): Promise<void> {
    for (let waited = 0; waited < 10_000 && this.#child; waited += 10) {
      if ((await this.#editionInForce()) === this.#edition) return;
      await sleep(10);
    }
    this.#current = undefined;
    throw new PodwireError(
      'INGRESS_START',
      `HAProxy did not take the configuration in ${this.#settings.directory}: ${this.#alert()}`,
    );
  }

  #alert(): string {
    return (
      this.#errors
        .split('\n')
        .filter((line) => /ALERT|error/i.test(line))
        .slice(-3)
        .join(' ') || 'it said nothing'
    );
  }

  async #editionInForce(): Promise<string | undefined> {
    const info = await runtimeCommand(this.#socket, ['show info']).catch(() => '');
    return /^description: (.+)$/im.exec(info)?.[1];
  }

  async #applyLive(current: DesiredProxy, desired: DesiredProxy): Promise<void> {
    for (const name of MAP_NAMES) {
      if (JSON.stringify(current.maps[name]) !== JSON.stringify(desired.maps[name]))
        await this.#replaceMap(name, desired);
    }
    const commands = desired.backends.flatMap((backend, i) =>
      serverCommands(backend.name, current.backends[i]?.servers ?? [], backend.servers),
    );
    for (let at = 0; at < commands.length; at += 32) {
      const answer = await runtimeCommand(this.#socket, commands.slice(at, at + 32));
      const refused = answer
        .split('\n')
        .find((line) => /^(No such|Invalid|Unknown|'set server'|Require)/.test(line.trim()));
      if (refused) throw new PodwireError('INGRESS_RUNTIME', `HAProxy refused a server change: ${refused}`);
    }
  }

  async #replaceMap(name: (typeof MAP_NAMES)[number], desired: DesiredProxy): Promise<void> {
    const file = path.join(this.#settings.directory, `${name}.map`);
    const version = /New version created: (\d+)/.exec(await runtimeCommand(this.#socket, [`prepare map ${file}`]))?.[1];
    if (version === undefined) throw new PodwireError('INGRESS_RUNTIME', `HAProxy did not prepare ${file}`);
    const commands = [...addMapCommands(version, file, desired.maps[name]), `commit map @${version} ${file}`];
    for (const command of commands) {
      const answer = (await runtimeCommand(this.#socket, [command])).trim();
      if (answer !== '') throw new PodwireError('INGRESS_RUNTIME', `HAProxy refused a change of ${file}: ${answer}`);
    }
  }

  #died(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#current = undefined;
    this.#onDeath(reason);
  }
}

type Servers = DesiredProxy['backends'][number]['servers'];

/** Slots keep their server where they can, so that a change elsewhere in the list moves nobody's connections. */
function serverCommands(backend: string, before: Servers, after: Servers): string[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, i) => i).flatMap((i) => {
    const [old, server] = [before[i], after[i]];
    if (old?.address === server?.address && old?.port === server?.port) return [];
    if (!server) return [`set server ${backend}/s${i} state maint`];
    return [
      `set server ${backend}/s${i} addr ${server.address} port ${server.port}`,
      `set server ${backend}/s${i} state ready`,
    ];
  });
}

const certificateName = (index: number): string => `certificate-${index}.pem`;

/** Private keys of Secrets that are gone do not stay behind, nor what a crash left half written. */
function removeCertificates(directory: string, keep: number): void {
  const kept = new Set(Array.from({ length: keep }, (_, i) => certificateName(i)));
  for (const name of readdirSync(directory))
    if (/^certificate-\d+\.pem(\.new)?$/.test(name) && !kept.has(name)) rmSync(path.join(directory, name));
}

function writeAtomically(file: string, text: string): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  chownSync(`${file}.new`, 0, 0);
  renameSync(`${file}.new`, file);
}
