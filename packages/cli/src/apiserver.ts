import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { type ApiServer, type ApiServerOptions, startApiServer } from '@podwire/apiserver';
import { createLogger, messageOf, PodwireError, tryParseIp } from '@podwire/base';
import { type ClusterConfig, createInformers, parseClusterConfig } from '@podwire/kube';
import type { ApiServerFlags } from './apiserver-options.ts';
import { INTERRUPTED, type Interruption, watchInterruption } from './interruption.ts';
import { writeKubeconfig } from './kubeconfig-file.ts';
import { followLauncher } from './launcher.ts';
import { makeDirectory } from './new-directory.ts';

/** Where one address of the machine has to be named. */
const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** The API server alone, until it is told to end. */
export async function apiserver(flags: ApiServerFlags): Promise<number> {
  requireEtcd(flags);
  const started = performance.now();
  const config = parseClusterConfig({
    serviceCidrs: flags.serviceCidr,
    podCidrs: flags.podCidr,
    nodePortRange: flags.nodePortRange,
  });
  const interruption = watchInterruption();
  followLauncher();
  const home = homeOf(flags);
  try {
    await serve(flags, { config, directory: home.directory, interruption, started });
    console.log('stopped');
    return 0;
  } catch (error) {
    if (error !== interruption.signal.reason) throw error;
    home.leave();
    process.stderr.write('podwire: interrupted before the server was ready\n');
    // What was interrupted may still wait for answers that do not come.
    process.exit(INTERRUPTED);
  } finally {
    home.leave();
    interruption.end();
  }
}

interface Surroundings {
  readonly config: ClusterConfig;
  readonly directory: string;
  readonly interruption: Interruption;
  /** By performance.now(). */
  readonly started: number;
}

async function serve(flags: ApiServerFlags, { config, directory, interruption, started }: Surroundings): Promise<void> {
  const kubeconfig = path.resolve(flags.kubeconfig ?? path.join(directory, 'kubeconfig'));
  makeDirectories(flags, [directory, path.dirname(kubeconfig)]);
  const server = await interruption.before(startApiServer(serverOptions(flags, config)));
  try {
    const url = await interruption.before(listen(server, flags));
    await interruption.before(writeKubeconfig(kubeconfig, server.kubeconfig(url)));
    const stop = flags.withControllers ? await interruption.before(runControllers(server, config)) : () => {};
    tellReady({ url, kubeconfig, started, flags, server });
    await interruption.happened.catch(() => {});
    stop();
  } finally {
    await server.close();
  }
}

/** Throws CLI_USAGE: the objects would silently be kept elsewhere. */
function requireEtcd({ etcdServers, etcdCafile, etcdCertfile, etcdKeyfile }: ApiServerFlags): void {
  const files = { cafile: etcdCafile, certfile: etcdCertfile, keyfile: etcdKeyfile };
  const [lost] = Object.entries(files).filter(([, file]) => file !== undefined);
  if (etcdServers.length === 0 && lost)
    throw new PodwireError('CLI_USAGE', `--etcd-${lost[0]} does nothing without --etcd-servers; add the URLs of etcd`);
}

function makeDirectories({ auditFile }: ApiServerFlags, others: readonly string[]): void {
  for (const directory of [...others, ...(auditFile === undefined ? [] : [path.dirname(auditFile)])])
    makeDirectory(directory);
}

interface Home {
  /** Of the kubeconfig, unless one is named. */
  readonly directory: string;
  leave(): void;
}

/** A server that keeps nothing leaves nothing behind. */
function homeOf({ dataDir, inMemory, kubeconfig }: ApiServerFlags): Home {
  if (!inMemory) return { directory: dataDirectory(dataDir), leave: () => {} };
  if (kubeconfig !== undefined) return { directory: path.dirname(kubeconfig), leave: () => {} };
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-apiserver-'));
  return { directory, leave: () => rmSync(directory, { recursive: true, force: true }) };
}

/** XDG base directories: state is what should outlive a restart. */
function dataDirectory(given: string | undefined): string {
  const state = process.env.XDG_STATE_HOME || path.join(homedir(), '.local/state');
  return path.resolve(given ?? path.join(state, 'podwire/apiserver'));
}

function serverOptions(flags: ApiServerFlags, { serviceCidrs, nodePortRange }: ClusterConfig): ApiServerOptions {
  const { inMemory, dataDir, auditFile, advertiseAddress, listen: at, port, tlsSan } = flags;
  return {
    serviceCidrs,
    nodePortRange,
    servingNames: [...tlsSan, ...(at in ANY ? [] : [at])],
    ...(inMemory ? {} : { directory: dataDirectory(dataDir) }),
    ...(flags.etcdServers.length > 0 ? { etcd: etcdOptions(flags) } : {}),
    ...(auditFile === undefined ? {} : { auditFile: path.resolve(auditFile) }),
    ...(advertiseAddress === undefined ? {} : { advertise: { address: advertiseAddress, port } }),
  };
}

function etcdOptions(flags: ApiServerFlags): NonNullable<ApiServerOptions['etcd']> {
  const files = { ca: flags.etcdCafile, cert: flags.etcdCertfile, key: flags.etcdKeyfile };
  const tls = Object.fromEntries(
    Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [[name, pemText(file)]])),
  );
  return { servers: flags.etcdServers, prefix: flags.etcdPrefix, tls };
}

function pemText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PodwireError('CLI_USAGE', `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Resolves with the URL that clients on this machine use. */
async function listen(server: ApiServer, flags: ApiServerFlags): Promise<string> {
  const port = await server.listenHttps({ address: flags.listen, port: flags.port });
  const address = ANY[flags.listen] ?? flags.listen;
  return `https://${tryParseIp(address)?.includes(':') ? `[${address}]` : address}:${port}`;
}

async function runControllers(server: ApiServer, config: ClusterConfig): Promise<() => void> {
  // Most do without.
  const { followPeers, startControllers } = await import('@podwire/controllers');
  const client = server.client();
  const informers = createInformers(client);
  const { caCertificate, serviceAccountToken, mayDo } = server;
  const logger = createLogger({ level: 'error' });
  const dynamic = server.dynamicClient();
  const peers = followPeers(config.clusterPeers, logger);
  const certificateAuthority = server.certificateAuthority();
  const others = { peers: peers.sources, serviceAccountToken, mayDo, certificateAuthority };
  const controllers = await startControllers({ client, dynamic, informers, config, logger, caCertificate, ...others });
  return () => {
    controllers.stop();
    peers.stop();
    informers.stop();
    client.close();
    dynamic.close();
  };
}

interface Ready {
  readonly url: string;
  readonly kubeconfig: string;
  /** performance.now() of the start. */
  readonly started: number;
  readonly flags: ApiServerFlags;
  readonly server: ApiServer;
}

function tellReady({ url, kubeconfig, started, flags, server }: Ready): void {
  const directory = flags.inMemory ? 'memory' : dataDirectory(flags.dataDir);
  const kept = flags.etcdServers.length > 0 ? `etcd (${flags.etcdServers.join(', ')})` : directory;
  const ms = Math.round(performance.now() - started);
  if (server.recoveredTornBytes > 0)
    console.log(`cut off the last write, which nobody was told of: it was torn (${server.recoveredTornBytes} bytes)`);
  for (const repair of server.repairs) console.log(`repaired: ${repair}`);
  console.log(`ready at ${url} (${ms} ms), objects in ${kept}; try:`);
  console.log(`  kubectl --kubeconfig ${shellWord(kubeconfig)} get namespaces`);
}

function shellWord(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
