import path from 'node:path';
import type { Endpoint } from '../connection/endpoint.ts';
import { EXEC_VERSIONS, type ExecPlugin } from '../credentials/exec-plugin.ts';
import { badKubeconfig } from './bad-kubeconfig.ts';
import type { ClusterEntry, ContextEntry, Entry, ExecEntry, Kubeconfig, UserEntry } from './kubeconfig.ts';

/** A context: where to go, as whom, and the namespace that is meant when none is named. */
export interface KubeContext {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly namespace: string;
}

/** The context of that name, or else the current one. Throws KUBE_BAD_KUBECONFIG with file, field and what to do. */
export function contextOf(config: Kubeconfig, asked?: string, flag?: string): KubeContext {
  const name = asked ?? config.currentContext;
  const files = config.files.join(', ');
  if (config.files.length === 0)
    throw badKubeconfig(
      '(none)',
      '',
      `there is none; ${flag ? `name one with ${flag}, ` : ''}set KUBECONFIG to the path of one, or put it at ~/.kube/config`,
    );
  if (name === undefined && config.contexts.size === 0)
    throw badKubeconfig(
      files,
      'contexts',
      `there are none; name another file with ${flag ? `${flag} or ` : ''}KUBECONFIG`,
    );
  if (name === undefined)
    throw badKubeconfig(
      files,
      'current-context',
      `is not set; choose one of ${known(config.contexts)} with kubectl config use-context`,
    );
  const context = config.contexts.get(name);
  if (!context)
    throw badKubeconfig(
      files,
      asked === undefined ? 'current-context' : 'contexts',
      `there is no context ${name}; there are: ${known(config.contexts)}`,
    );
  const cluster = referred(config.clusters, { context, name, field: 'cluster' });
  if (!cluster) throw badKubeconfig(context.file, `contexts[${name}].cluster`, 'is missing; name an entry of clusters');
  const user = referred(config.users, { context, name, field: 'user' });
  const extra = { cluster, clusterName: context.value.cluster ?? '' };
  const endpoint = {
    ...clusterEndpoint(extra),
    ...(user && userEndpoint(user, { name: context.value.user ?? '', ...extra })),
  };
  return { name, endpoint, namespace: context.value.namespace || 'default' };
}

const known = (entries: ReadonlyMap<string, unknown>): string => [...entries.keys()].join(', ') || '(none)';

function referred<T>(
  entries: ReadonlyMap<string, Entry<T>>,
  of: { readonly context: Entry<ContextEntry>; readonly name: string; readonly field: 'cluster' | 'user' },
): Entry<T> | undefined {
  const reference = of.context.value[of.field];
  if (!reference) return undefined;
  const entry = entries.get(reference);
  if (entry) return entry;
  const why = `there is no ${of.field} ${reference}; there are: ${known(entries)}`;
  throw badKubeconfig(of.context.file, `contexts[${of.name}].${of.field}`, why);
}

interface NamedCluster {
  readonly cluster: Entry<ClusterEntry>;
  readonly clusterName: string;
}

function clusterEndpoint({ cluster: { file, value }, clusterName }: NamedCluster): Endpoint {
  const at = (field: string) => `clusters[${clusterName}].${field}`;
  const { server = '' } = value;
  const url = urlOf(server.includes('://') || server === '' ? server : `http://${server}`, ['http:', 'https:']);
  if (!url)
    throw badKubeconfig(
      file,
      at('server'),
      `is ${JSON.stringify(server)}, not an address such as https://10.0.0.1:6443`,
    );
  const proxyUrl = value['proxy-url'] || undefined;
  if (proxyUrl && !urlOf(proxyUrl, ['http:', 'https:']))
    throw badKubeconfig(
      file,
      at('proxy-url'),
      `is ${JSON.stringify(proxyUrl)}; http:// and https:// proxies are supported`,
    );
  const ca = pem(cluster(value), { file, at });
  if (value['insecure-skip-tls-verify'] && (ca.data || ca.file))
    throw badKubeconfig(
      file,
      at('insecure-skip-tls-verify'),
      'contradicts the certificate authority; remove one of them',
    );
  return {
    url: url.href.replace(/\/$/, ''),
    ca: ca.data,
    caFile: ca.file,
    serverName: value['tls-server-name'] || undefined,
    insecure: value['insecure-skip-tls-verify'],
    proxyUrl,
  };
}

function cluster(value: ClusterEntry): PemPair {
  const [file, data] = ['certificate-authority', 'certificate-authority-data'] as const;
  return { fileField: file, file: value[file], dataField: data, data: value[data] };
}

interface PemPair {
  readonly fileField: string;
  readonly file: string | undefined;
  readonly dataField: string;
  readonly data: string | undefined;
}

interface Place {
  readonly file: string;
  readonly at: (field: string) => string;
}

/** Data goes before the file, as everywhere in kubectl. */
function pem(pair: PemPair, { file, at }: Place): { readonly data?: string; readonly file?: string } {
  if (pair.data) {
    const data = Buffer.from(pair.data, 'base64').toString('utf8');
    if (data.includes('-----BEGIN')) return { data };
    throw badKubeconfig(file, at(pair.dataField), 'is not PEM in base64; copy it again from the original file');
  }
  return pair.file ? { file: beside(file, pair.file) } : {};
}

function userEndpoint(
  { file, value }: Entry<UserEntry>,
  { name, cluster: { value: forCluster } }: NamedCluster & { readonly name: string },
): Endpoint {
  const at = (field: string) => `users[${name}].${field}`;
  if (value['auth-provider'])
    throw badKubeconfig(
      file,
      at('auth-provider'),
      'is not supported since Kubernetes 1.26; use a credential plugin (exec)',
    );
  const place = { file, at };
  const cert = pem(pairOf(value, 'client-certificate'), place);
  const key = pem(pairOf(value, 'client-key'), place);
  if (Object.keys(cert).length !== Object.keys(key).length)
    throw badKubeconfig(file, at('client-certificate'), 'needs client-key too, and the other way round');
  if (value.username && (value.token || value.tokenFile))
    throw badKubeconfig(file, at('username'), 'goes not with a token; remove one of them');
  const tokenFile = value.tokenFile ? beside(file, value.tokenFile) : undefined;
  return {
    cert: cert.data,
    certFile: cert.file,
    key: key.data,
    keyFile: key.file,
    token: value.token || undefined,
    tokenFile,
    username: value.username || undefined,
    password: value.password,
    exec: value.exec && execPlugin(value.exec, { file, at: (field) => at(`exec.${field}`) }, forCluster),
    impersonate: impersonation(value, place),
  };
}

function pairOf(value: UserEntry, field: 'client-certificate' | 'client-key'): PemPair {
  return { fileField: field, file: value[field], dataField: `${field}-data`, data: value[`${field}-data`] };
}

function impersonation(value: UserEntry, { file, at }: Place): Endpoint['impersonate'] {
  const { as: user, 'as-uid': uid, 'as-groups': groups, 'as-user-extra': extra } = value;
  if (!user && (uid || groups?.length || extra))
    throw badKubeconfig(file, at('as'), 'is missing: groups, uid and extra can be taken on with a user only');
  return user ? { user, uid, groups, extra } : undefined;
}

function execPlugin(entry: ExecEntry, { file, at }: Place, forCluster: ClusterEntry): ExecPlugin {
  const { apiVersion = '', command = '', args, env, interactiveMode, provideClusterInfo, installHint } = entry;
  if (!EXEC_VERSIONS.some((version) => version === apiVersion))
    throw badKubeconfig(
      file,
      at('apiVersion'),
      `is ${JSON.stringify(apiVersion)}; write ${EXEC_VERSIONS.join(' or ')}`,
    );
  if (command === '') throw badKubeconfig(file, at('command'), 'is missing; name the program that gives credentials');
  // It has no default in v1.
  const mode = interactiveMode ?? (apiVersion.endsWith('/v1beta1') ? 'IfAvailable' : '');
  if (mode !== 'Never' && mode !== 'IfAvailable' && mode !== 'Always')
    throw badKubeconfig(file, at('interactiveMode'), `is ${JSON.stringify(mode)}; write Never, IfAvailable or Always`);
  const extension = forCluster.extensions?.find((one) => one.name === 'client.authentication.k8s.io/exec');
  return {
    apiVersion,
    command: command.includes('/') ? beside(file, command) : command,
    args: args ?? [],
    env: Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
    interactiveMode: mode,
    provideClusterInfo: provideClusterInfo ?? false,
    clusterConfig: extension?.extension,
    installHint,
  };
}

/** A path in a kubeconfig is relative to the kubeconfig. */
function beside(file: string, name: string): string {
  return path.resolve(path.dirname(file), name);
}

function urlOf(text: string, protocols: readonly string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && protocols.includes(url.protocol) ? url : undefined;
}
