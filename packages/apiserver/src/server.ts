import path from 'node:path';
import { nthAddress, type Prefix, parsePrefix } from '@podwire/base';
import type { DynamicClient, KubeClient, PodStreams } from '@podwire/kube';
import { MutatingPolicies } from './admission/mutations/mutating-policies.ts';
import { AdmissionWebhooks } from './admission/webhooks/admission-webhooks.ts';
import { Authorizer } from './authorization/authorizer.ts';
import { RbacIndex } from './authorization/rbac-index.ts';
import { accessReviews, reviewResponder } from './authorization/reviews.ts';
import { RoleAggregation } from './authorization/role-aggregation.ts';
import { createDefaultRoles } from './authorization/role-bootstrap.ts';
import { AllocationRepair } from './core/allocation-repair.ts';
import { AuthorizedClient } from './core/authorized-client.ts';
import {
  type Advertised,
  createPriorityClasses,
  createSystemNamespaces,
  publishKubernetesService,
  removeOldEvents,
} from './core/bootstrap.ts';
import { withFiles } from './core/file-error.ts';
import { KindRegistry } from './core/kind-registry.ts';
import { LocalClient } from './core/local-client.ts';
import { LocalDynamicClient } from './core/local-dynamic-client.ts';
import { Registry } from './core/registry.ts';
import { RestApi } from './core/rest.ts';
import { ServiceAddresses } from './core/service-addresses.ts';
import { Store } from './core/store.ts';
import { Transport } from './core/transport.ts';
import { PODWIRE_USER } from './core/write-attempt.ts';
import { CustomCleanup } from './custom/custom-cleanup.ts';
import { CustomResources } from './custom/custom-resources.ts';
import { AuditLog } from './identity/audit-log.ts';
import { Authenticator } from './identity/authenticator.ts';
import { issuerDocuments } from './identity/issuer-documents.ts';
import { ServiceAccountTokens } from './identity/service-account-tokens.ts';
import { openSigningKey, type SigningKey } from './identity/signing-key.ts';
import { TokenRequests, type TokenSpec } from './identity/token-request.ts';
import { identityReviews } from './identity/token-review.ts';
import { metricsPage } from './metrics/metrics-page.ts';
import { RequestMetrics } from './metrics/request-metrics.ts';
import { createSchema } from './schema/index.ts';
import type { ApiRequest, User } from './seam.ts';
import { type EtcdOptions, EtcdState } from './state/etcd-state.ts';
import { createStreams } from './streams/index.ts';
import { createSurface, type HealthCheck, healthPages, kubeconfigText, openPki } from './surface/index.ts';

export interface ApiServerOptions {
  /** Where objects and keys are kept (made with mode 0700); absent: memory only. */
  readonly directory?: string;
  /** Keeps objects in etcd instead, of which this server is the only writer from now on; keys stay in the directory. */
  readonly etcd?: EtcdOptions;
  /** One per family; the first is the default family of Services. Default 10.96.0.0/12. */
  readonly serviceCidrs?: readonly Prefix[];
  /** Default 30000 to 32767. */
  readonly nodePortRange?: readonly [first: number, last: number];
  /** Refuses externalIPs that a Service does not have yet: whoever may write Services could take any address (CVE-2020-8554). */
  readonly denyExternalIPs?: boolean;
  /** Logs, exec, attach and port-forward; absent: they are answered with 501. */
  readonly streams?: PodStreams;
  /** Where pods reach the server: published as Service default/kubernetes. Absent: no such Service. */
  readonly advertise?: Advertised;
  /** Further DNS names and addresses of the serving certificate, e.g. 172.30.0.1. */
  readonly servingNames?: readonly string[];
  /** Bearer tokens and who they stand for; what they may do is up to roles, or to group system:masters. */
  readonly tokens?: Readonly<Record<string, User>>;
  /** Whom tokens of service accounts are from: a URL. Default https://kubernetes.default.svc.cluster.local. */
  readonly serviceAccountIssuer?: string;
  /** Lets requests without credentials in as system:anonymous, for roles to decide. Default false: 401. */
  readonly anonymous?: boolean;
  /** A file that gets a line of JSON for each request (0600, appended to). */
  readonly auditFile?: string;
  /** Name of cluster and context in the kubeconfig. Default `podwire`. */
  readonly clusterName?: string;
}

/** A service account. */
export interface AccountKey {
  readonly namespace: string;
  readonly name: string;
}

/** Something to do with resources of the whole cluster. */
export interface ClusterDeed {
  readonly verb: string;
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  /** Absent: the resource itself. */
  readonly subresource?: string;
}

export interface ApiServer {
  /** In process, without HTTP: as administrator, or as somebody who may do what roles say. */
  client(user?: User): KubeClient;
  /** The same for kinds that are known at run time only; objects are in the version they are stored in. */
  dynamicClient(user?: User): DynamicClient;
  /** As `kubectl create token` gets one; undefined when there is no such account. Throws KUBE_INVALID and its like. */
  serviceAccountToken(
    account: AccountKey,
    spec: TokenSpec,
  ): { readonly token: string; readonly expires: Date } | undefined;
  /** PEM of the authority that signed the server's certificate. */
  readonly caCertificate: string;
  /** PEM of that authority with its private key, for who signs certificates for clients and kubelets. */
  certificateAuthority(): { readonly certificate: string; readonly key: string };
  /** Whether roles let somebody do something in the whole cluster, as a SubjectAccessReview answers it. */
  mayDo(who: User, what: ClusterDeed): boolean;
  /** Text of a kubeconfig for the administrator, with a private key: write it 0600. */
  kubeconfig(url: string): string;
  /** HTTP/1.1 and HTTP/2 over TLS; resolves with the port. */
  listenHttps(where: { readonly address: string; readonly port: number } | { readonly fd: number }): Promise<number>;
  /** HTTP/1.1 and HTTP/2 in clear on a unix socket (0600); whoever can open it is admin, unless `tokens` are asked for. */
  listenUnix(path: string, options?: { readonly tokens?: boolean }): Promise<void>;
  /** Bytes of a torn last write that were cut off at the start; 0 after a clean stop. */
  readonly recoveredTornBytes: number;
  /** What was wrong at the start with addresses and node ports of Services; also Events of the objects concerned. */
  readonly repairs: readonly string[];
  /** Stops all listeners and watches; resolves when everything written is on disk. */
  close(): Promise<void>;
}

type CompleteOptions = ApiServerOptions & Required<Pick<ApiServerOptions, 'serviceCidrs' | 'nodePortRange'>>;

const DEFAULTS = { serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] } as const;
/** As Kubernetes calls what is done at the start. */
const HOOKS = [
  'start-system-namespaces-controller',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'start-service-ip-repair-controllers',
];
const SWEEP_INTERVAL = 60_000;
/** 10,000 dual-stack Services take it 75 ms. */
const REPAIR_INTERVAL = 3 * 60_000;
const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const NAMES = [
  'localhost',
  '127.0.0.1',
  '::1',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];

/**
 * The embedded Kubernetes API server.
 *
 *     LocalClient ──────────────────────────────┐
 *     unix socket, TLS ─▶ Transport ─▶ RestApi ─┴─▶ Registry ─▶ Store ─▶ log, watchers
 *                                     │  └ Surface (discovery, tables)  └ Schema, ServiceAddresses
 *                                     └ Streams (log, exec, port-forward)
 */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const store = await openStore(options);
  try {
    return await serveStore(store, { ...DEFAULTS, ...options });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openStore({ directory, etcd }: ApiServerOptions): Promise<Store> {
  if (etcd) return Store.open({ backend: await EtcdState.open(etcd) });
  if (directory === undefined) return Store.open({});
  return withFiles(directory, () => Store.open({ directory: path.join(directory, 'state') }));
}

async function serveStore(store: Store, options: CompleteOptions): Promise<ApiServer> {
  const { directory, serviceCidrs, nodePortRange, advertise } = options;
  const kinds = new KindRegistry();
  const custom = new CustomResources(store, kinds);
  const schema = createSchema(custom);
  const addresses = new ServiceAddresses({ store, serviceCidrs, nodePortRange });
  const authorizer = new Authorizer(new RbacIndex(store));
  const policies = new MutatingPolicies({ store, kinds, schema, authorizer });
  const webhooks = new AdmissionWebhooks({ store, authorizer, policies });
  const { denyExternalIPs } = options;
  const registry = new Registry({ store, schema, addresses, custom, kinds, webhooks, authorizer, denyExternalIPs });
  const cleanup = new CustomCleanup(registry, custom);
  const names = servingNames(options);
  const pkiDirectory = directory === undefined ? undefined : path.join(directory, 'pki');
  const pki = await withFiles(pkiDirectory, () =>
    openPki(pkiDirectory === undefined ? { names } : { names, directory: pkiDirectory }),
  );
  await createSystemNamespaces(registry);
  await Promise.all([createPriorityClasses(registry), createDefaultRoles(registry)]);
  const aggregation = new RoleAggregation(registry);
  await aggregation.settle();
  const client = new LocalClient({ registry, schema, kinds, custom }, new AbortController().signal);
  const repair = new AllocationRepair({ store, addresses, client });
  const repairs = await repair.start();
  const [cidr] = serviceCidrs;
  if (advertise && cidr) await publishKubernetesService(registry, nthAddress(cidr, 1), advertise);
  const stopped = new AbortController();
  const streams = createStreams(options.streams);
  const surface = createSurface({ kinds, custom });
  const identity = createIdentity({ store, authorizer }, options, await openSigningKey(pkiDirectory));
  const { auditFile } = options;
  const audit = auditFile === undefined ? undefined : await withFiles(auditFile, () => AuditLog.open(auditFile));
  const { authenticator } = identity;
  const metrics = new RequestMetrics();
  const page = metricsPage({ store, kinds, requests: metrics });
  const health = healthPages(healthChecks(store, stopped.signal));
  const respond = async (request: ApiRequest) => health(request) ?? (await page(request)) ?? identity.reviews(request);
  const parts = { kinds, custom, registry, schema, surface, streams, stopped: stopped.signal };
  const api = new RestApi({ ...parts, ...identity, reviews: respond });
  const transport = new Transport({ api, authenticator, authorizer, streams, audit, metrics });
  const sweep = setInterval(() => void removeOldEvents(registry), SWEEP_INTERVAL).unref();
  // A write that failed shows in every later write.
  const repairing = setInterval(() => void repair.run().catch(() => {}), REPAIR_INTERVAL).unref();
  const clientOf = (user?: User): KubeClient => {
    const local = new LocalClient({ registry, schema, kinds, custom, user: user ?? PODWIRE_USER }, stopped.signal);
    return user ? new AuthorizedClient(local, { user, authorizer, kinds }) : local;
  };
  return {
    client: clientOf,
    dynamicClient: (user) => new LocalDynamicClient(clientOf(user), kinds),
    serviceAccountToken: ({ namespace, name }, spec) => {
      const account = store.get('ServiceAccount', `${namespace}/${name}`);
      return account && identity.tokenRequests.issue(account, spec);
    },
    caCertificate: pki.ca,
    certificateAuthority: () => ({ certificate: pki.ca, key: pki.key }),
    mayDo: (who, what) =>
      authorizer.allows(who, {
        verb: what.verb,
        resource: { subresource: '', ...what, version: '*', namespace: '', name: '' },
        path: '',
      }),
    kubeconfig: (url) => kubeconfigText({ url, name: options.clusterName ?? 'podwire', pki }),
    listenHttps: (where) => transport.listenHttps(where, pki),
    listenUnix: (socketPath, how) => transport.listenUnix(socketPath, how),
    recoveredTornBytes: store.recovered?.tornBytes ?? 0,
    repairs,
    close: async () => {
      clearInterval(sweep);
      clearInterval(repairing);
      stopped.abort();
      aggregation.stop();
      custom.stop();
      cleanup.stop();
      await transport.close();
      webhooks.close();
      await audit?.close();
      await store.close();
    },
  };
}

interface Access {
  readonly store: Store;
  readonly authorizer: Authorizer;
}

/** Who requests are from, and what they may do. */
function createIdentity({ store, authorizer }: Access, options: ApiServerOptions, key: SigningKey) {
  const { tokens, anonymous, serviceAccountIssuer: issuer = ISSUER } = options;
  const serviceAccounts = new ServiceAccountTokens({ store, key, issuer });
  const audiences = [issuer];
  const authenticator = new Authenticator({ tokens, anonymous, serviceAccounts, audiences });
  const tokenRequests = new TokenRequests({ store, tokens: serviceAccounts, audiences });
  const reviews = reviewResponder([...accessReviews(authorizer), ...identityReviews(authenticator)]);
  const documents = issuerDocuments(issuer, key);
  const respond = async (request: ApiRequest) => documents(request) ?? (await reviews(request));
  return { authorizer, authenticator, tokenRequests, reviews: respond };
}

/** Nothing is served before what the hooks stand for has been done. */
function healthChecks(store: Store, stopped: AbortSignal): HealthCheck[] {
  const isRight = () => undefined;
  return [
    { name: 'ping', failure: isRight },
    { name: 'log', failure: isRight },
    { name: 'etcd', failure: () => store.trouble },
    ...HOOKS.map((hook) => ({ name: `poststarthook/${hook}`, failure: isRight })),
    {
      name: 'shutdown',
      failure: () => (stopped.aborted ? 'process is shutting down' : undefined),
      isReadinessOnly: true,
    },
  ];
}

function servingNames({ serviceCidrs, servingNames: more = [], advertise }: CompleteOptions): string[] {
  const first = serviceCidrs.slice(0, 1).map((cidr) => nthAddress(cidr, 1));
  return [...new Set([...NAMES, ...first, ...more, ...(advertise ? [advertise.address] : [])])];
}
