import type { Logger } from '@podwire/base';
import {
  type ClusterConfig,
  type DynamicClient,
  type Informer,
  type Informers,
  isPodOver,
  type KindName,
  type KubeClient,
  type ObjectKey,
  type ObjectOf,
} from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import type { AuthorityFiles } from './certificate/certificate-authority.ts';
import type { Clock } from './clock.ts';
import type { ClusterSource } from './multicluster/cluster-member.ts';
import type { TokenIssuer } from './token-secret.ts';

export interface ControllerContext {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly config: ClusterConfig;
  readonly logger: Logger;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** PEM of the authority of the API server's certificate, for every namespace's kube-root-ca.crt; absent: none. */
  readonly caCertificate?: string;
  /** For Secrets of type kubernetes.io/service-account-token; absent: they stay empty. */
  readonly serviceAccountToken?: TokenIssuer;
  /** What signs certificates for approved requests; absent: nobody does. */
  readonly certificateAuthority?: AuthorityFiles;
  /** Whether somebody may do something, as a SubjectAccessReview answers it; absent: no certificate is approved by itself. */
  readonly mayDo?: AccessQuestion;
  /** For custom resources: as owners, as garbage and in namespaces; absent: they are left alone. */
  readonly dynamic?: DynamicClient;
  /** The other clusters of the set, whose exported Services are imported. Default: none. */
  readonly peers?: readonly ClusterSource[];
}

/** `what` concerns the whole cluster. */
export type AccessQuestion = (
  who: {
    readonly name: string;
    readonly groups: readonly string[];
    readonly uid?: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  },
  what: { readonly verb: string; readonly group: string; readonly resource: string; readonly subresource: string },
) => boolean | Promise<boolean>;

export interface Controller {
  stop(): void;
}

/** Any object with metadata; kubernetes-types makes nearly all of it optional, the API server never does. */
export interface Meta {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Record<string, string>;
    readonly finalizers?: string[];
    readonly deletionTimestamp?: unknown;
    readonly creationTimestamp?: unknown;
    readonly resourceVersion?: string;
    readonly ownerReferences?: OwnerReference[];
  };
}

export const nameOf = (object: Meta): string => object.metadata?.name ?? '';
export const namespaceOf = (object: Meta): string => object.metadata?.namespace ?? '';
export const keyOf = (object: Meta): string => `${namespaceOf(object)}/${nameOf(object)}`;

export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Where an object is, for the client. */
export function objectKey(object: Meta): ObjectKey {
  return {
    name: nameOf(object),
    ...(object.metadata?.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  };
}

export function controllerOf(object: Meta): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller === true);
}

export function ownedBy(owner: Meta, kind: KindName, apiVersion: string): OwnerReference {
  return {
    apiVersion,
    kind,
    name: nameOf(owner),
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function isReady(pod: ObjectOf<'Pod'>): boolean {
  return pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

/** Neither finished nor on its way out. */
export function isActive(pod: ObjectOf<'Pod'>): boolean {
  return pod.metadata?.deletionTimestamp === undefined && !isPodOver(pod);
}

/** Resolves once the cache shows what was just written, so that the next pass does not write it again. */
export async function visible<K extends KindName>(informer: Informer<K>, written: Meta): Promise<void> {
  const version = Number(written.metadata?.resourceVersion);
  await until(() => {
    const cached: Meta | undefined = informer.get(nameOf(written), written.metadata?.namespace);
    return cached !== undefined && Number(cached.metadata?.resourceVersion) >= version;
  });
}

/** One after the other; the first failure is thrown when all have had their turn. */
export async function forEach<T>(items: Iterable<T>, act: (item: T) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) await act(item).catch((error) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** Resolves when the condition holds, or after about a second: the next event repairs what was too early. */
export async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 200 && !condition(); round++) {
    await new Promise((resolve) => (round < 20 ? setImmediate(resolve) : setTimeout(resolve, 5)));
  }
}
