import { spawn } from 'node:child_process';
import { messageOf, PodwireError } from '@podwire/base';
import type { Endpoint } from '../connection/endpoint.ts';
import type { Credential, CredentialSource } from './credential.ts';
import type { ExecPlugin } from './exec-plugin.ts';

const TIMEOUT = 60_000;
const LONGEST_ANSWER = 1024 * 1024;

interface Cached {
  readonly credential: Credential;
  /** ms since 1970; undefined: until the server refuses it. */
  readonly expires: number | undefined;
}

interface ExecCredential {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly status?: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
    readonly expirationTimestamp?: string;
  };
}

/** Credentials of a program, kept until they expire or the server refuses them; started once for all who wait. */
export class ExecCredentials implements CredentialSource {
  readonly #plugin: ExecPlugin;
  readonly #endpoint: Endpoint;
  #cached: Cached | undefined;
  #asking: Promise<Cached> | undefined;

  constructor(plugin: ExecPlugin, endpoint: Endpoint) {
    this.#plugin = plugin;
    this.#endpoint = endpoint;
  }

  async current(): Promise<Credential> {
    const cached = this.#cached;
    if (cached && (cached.expires === undefined || cached.expires > Date.now())) return cached.credential;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    this.#cached = await this.#asking;
    return this.#cached.credential;
  }

  refused(): boolean {
    this.#cached = undefined;
    return true;
  }

  async #ask(): Promise<Cached> {
    const plugin = this.#plugin;
    const interactive = plugin.interactiveMode !== 'Never' && process.stdin.isTTY === true;
    if (plugin.interactiveMode === 'Always' && !interactive)
      throw failure(plugin, 'asks for a terminal (interactiveMode: Always), and standard input is none');
    const answer = await run(plugin, { ...plugin.env, KUBERNETES_EXEC_INFO: this.#info(interactive) }, interactive);
    return credentialOf(plugin, answer);
  }

  #info(interactive: boolean): string {
    const { apiVersion, provideClusterInfo, clusterConfig } = this.#plugin;
    const { url, ca, serverName, insecure, proxyUrl } = this.#endpoint;
    const cluster = {
      server: url,
      'tls-server-name': serverName,
      'insecure-skip-tls-verify': insecure,
      'certificate-authority-data': ca === undefined ? undefined : Buffer.from(ca).toString('base64'),
      'proxy-url': proxyUrl,
      config: clusterConfig ?? null,
    };
    const spec = { interactive, ...(provideClusterInfo && { cluster }) };
    return JSON.stringify({ kind: 'ExecCredential', apiVersion, spec });
  }
}

/** No shell: arguments are arguments. What it says on standard error is shown. */
function run(plugin: ExecPlugin, env: Readonly<Record<string, string>>, interactive: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(plugin.command, plugin.args, {
      env: { ...process.env, ...env },
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'inherit'],
      // The option `timeout` would keep the program alive after a command that is not there.
      signal: AbortSignal.timeout(TIMEOUT),
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.length > LONGEST_ANSWER) child.kill();
    });
    child.on('error', (error: NodeJS.ErrnoException) => reject(failure(plugin, notStarted(plugin, error), error)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(text);
      else reject(failure(plugin, `ended with ${signal ?? `exit code ${code}`}; what it said is on standard error`));
    });
  });
}

function notStarted({ command, installHint }: ExecPlugin, error: NodeJS.ErrnoException): string {
  if (error.name === 'TimeoutError' || error.code === 'ABORT_ERR') return `did not answer within ${TIMEOUT / 1000} s`;
  if (error.code !== 'ENOENT') return `cannot be started: ${error.message}`;
  const hint = installHint ? `\n\n${installHint.trim()}` : '';
  return `is not there: executable ${command} not found; install it or put its directory on PATH${hint}`;
}

function credentialOf(plugin: ExecPlugin, text: string): Cached {
  let answer: ExecCredential;
  try {
    answer = JSON.parse(text) as ExecCredential;
  } catch (cause) {
    throw failure(plugin, `printed no JSON: ${messageOf(cause)}`, cause);
  }
  if (answer?.kind !== 'ExecCredential') throw failure(plugin, `printed kind ${answer?.kind}, not ExecCredential`);
  if (answer.apiVersion !== plugin.apiVersion)
    throw failure(
      plugin,
      `answered in ${answer.apiVersion}, the kubeconfig says ${plugin.apiVersion}; make them equal`,
    );
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = answer.status ?? {};
  if (!token && !(cert && key)) throw failure(plugin, 'gave neither a token nor a certificate with its key');
  if (!cert !== !key) throw failure(plugin, 'gave a certificate without key, or a key without certificate');
  const expires = expirationTimestamp === undefined ? undefined : Date.parse(expirationTimestamp);
  if (Number.isNaN(expires)) throw failure(plugin, `gave expirationTimestamp ${expirationTimestamp}, which is no time`);
  return { credential: { authorization: token ? `Bearer ${token}` : undefined, cert, key }, expires };
}

function failure({ command }: ExecPlugin, what: string, cause?: unknown): PodwireError {
  return new PodwireError('KUBE_EXEC', `the credential plugin ${command} ${what}`, { cause, details: { command } });
}
