import type { Prefix } from '@podwire/base';
import type { DynamicClient, KubeClient, PodStreams } from '@podwire/kube';
import type { Advertised } from '../core/bootstrap.ts';
import type { TokenSpec } from '../identity/token-request.ts';
import type { User } from '../seam.ts';
import type { EtcdOptions } from '../state/etcd-state.ts';

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

/** With what has a default. */
export type CompleteOptions = ApiServerOptions & Required<Pick<ApiServerOptions, 'serviceCidrs' | 'nodePortRange'>>;
