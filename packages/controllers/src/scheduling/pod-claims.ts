import { claimName, claimNames, foreignClaim, type ObjectOf } from '@podwire/kube';
import { nameOf, namespaceOf } from '../context.ts';
import { isDelayed, isProvisioning, SELECTED_NODE } from '../volumes/claim-plan.ts';
import { isFor, smallestFit } from '../volumes/volume-fit.ts';
import type { ClusterView } from './cluster-view.ts';
import { matchesNode } from './node-affinity.ts';
import type { StorageView } from './storage-view.ts';

type Pod = ObjectOf<'Pod'>;
type Node = ObjectOf<'Node'>;
type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Volume = ObjectOf<'PersistentVolume'>;

export interface PodClaims {
  /** Why no node would do, in the words of Kubernetes' scheduler. */
  readonly refused?: string;
  readonly bound: readonly Claim[];
  /** To be bound when the pod's node is known. */
  readonly delayed: readonly Claim[];
}

export function claimsOf(pod: Pod, storage: StorageView): PodClaims {
  const found = { bound: [] as Claim[], delayed: [] as Claim[], immediate: [] as Claim[] };
  for (const volume of pod.spec?.volumes ?? []) {
    const name = claimName(pod, volume);
    if (name === undefined) continue;
    const claim = storage.claim(name, namespaceOf(pod));
    const wrong = (volume.ephemeral ? foreignTo(pod, name, claim) : undefined) ?? wrongWith(name, claim);
    if (!claim || wrong) return { refused: wrong ?? '', bound: [], delayed: [] };
    found[stateOf(claim, storage)].push(claim);
  }
  const { bound, delayed, immediate } = found;
  return immediate.length > 0
    ? { refused: 'pod has unbound immediate PersistentVolumeClaims', bound, delayed }
    : { bound, delayed };
}

/** Of a claim that is to be made for the pod. */
function foreignTo(pod: Pod, name: string, claim: Claim | undefined): string | undefined {
  if (!claim) return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
  return foreignClaim(pod, claim);
}

function wrongWith(name: string, claim: Claim | undefined): string | undefined {
  const subject = `persistentvolumeclaim "${name}"`;
  if (!claim) return `${subject} not found`;
  const { metadata, spec, status } = claim;
  if (status?.phase === 'Lost') return `${subject} bound to non-existent persistentvolume "${spec?.volumeName ?? ''}"`;
  return metadata?.deletionTimestamp ? `${subject} is being deleted` : undefined;
}

function stateOf({ spec, status }: Claim, storage: StorageView): 'bound' | 'delayed' | 'immediate' {
  if (spec?.volumeName) return status?.phase === 'Bound' ? 'bound' : 'immediate';
  return isDelayed(storage.storageClass(spec?.storageClassName ?? '')) ? 'delayed' : 'immediate';
}

const EXCLUSIVE = 'ReadWriteOncePod';

/** Whether another pod has a claim of this one that may be of one pod only. */
export function isTaken(pod: Pod, { nodes, storage }: ClusterView): boolean {
  const namespace = namespaceOf(pod);
  const exclusive = claimNames(pod).filter((name) =>
    storage.claim(name, namespace)?.spec?.accessModes?.includes(EXCLUSIVE),
  );
  if (exclusive.length === 0) return false;
  const holds = (other: Pod): boolean =>
    namespaceOf(other) === namespace && claimNames(other).some((name) => exclusive.includes(name));
  return nodes.some(({ pods }) => pods.some(holds));
}

/** How the delayed claims of a pod can be bound on a node. */
export interface Settlement {
  readonly volumes: ReadonlyMap<Claim, Volume>;
  /** Claims that volumes have to be made for. */
  readonly provisioned: readonly Claim[];
}

const CONFLICT = 'node(s) had volume node affinity conflict';
const GONE = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';
const NO_FIT = "node(s) didn't find available persistent volumes to bind";

/** Why the node cannot have the pod's volumes, or what has to be written for them. */
export function settle({ bound, delayed }: PodClaims, node: Node, storage: StorageView): string | Settlement {
  for (const { spec } of bound) {
    const volume = storage.volume(spec?.volumeName ?? '');
    if (!volume) return GONE;
    if (!isReachable(volume, node)) return CONFLICT;
  }
  const [volumes, provisioned] = [new Map<Claim, Volume>(), [] as Claim[]];
  if (delayed.length === 0) return { volumes, provisioned };
  const open = storage.volumes().filter((volume) => isReachable(volume, node));
  for (const claim of delayed) {
    const taken = new Set(volumes.values());
    const free = open.filter((volume) => !taken.has(volume));
    const selected = claim.metadata?.annotations?.[SELECTED_NODE];
    const kept = storage.volumes().find((volume) => isFor(volume, claim));
    const fit = kept ?? (selected === undefined ? smallestFit(claim, free) : undefined);
    if (fit && isReachable(fit, node)) volumes.set(claim, fit);
    else if (!fit && isMadeAt(claim, node, storage) && (selected ?? nameOf(node)) === nameOf(node))
      provisioned.push(claim);
    else return NO_FIT;
  }
  return { volumes, provisioned };
}

function isReachable({ spec }: Volume, node: Node): boolean {
  return !spec?.nodeAffinity?.required || matchesNode(spec.nodeAffinity.required, node);
}

/** Whether a volume can be made where the node is. */
function isMadeAt({ spec }: Claim, { metadata }: Node, storage: StorageView): boolean {
  const own = storage.storageClass(spec?.storageClassName ?? '');
  if (!own || !isProvisioning(own)) return false;
  const terms = own.allowedTopologies ?? [];
  const isMet = ({ key, values }: { readonly key: string; readonly values: readonly string[] }): boolean =>
    values.includes(metadata?.labels?.[key] ?? '');
  return terms.length === 0 || terms.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.every(isMet));
}
