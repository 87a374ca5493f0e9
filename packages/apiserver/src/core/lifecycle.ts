import { randomInt } from 'node:crypto';
import { equalJson, isPodOver, type Kind } from '@podwire/kube';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';
import type { ApiObject, StatusCause } from '../seam.ts';
import { forbiddenField, invalidValue } from './status.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type Metadata = Mutable<ObjectMeta>;

const hasStatus = ({ subresources }: Kind): boolean => subresources.includes('status');

/** RFC 3339 in whole seconds, as metav1.Time. */
export function timestamp(at: number | Date = Date.now()): string {
  const second = Math.floor(Number(at) / 1000);
  if (second !== last.second)
    last = { second, text: `${new Date(second * 1000).toISOString().slice(0, -'.000Z'.length)}Z` };
  return last.text;
}

/** Most ask for the present. */
let last = { second: Number.NaN, text: '' };

/** How often another name is looked for when the one that was made up is taken. */
const ATTEMPTS = 8;
/** Consonants and digits that spell no words, as Kubernetes uses. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const MAX_GENERATED_PREFIX = 58;

/** A name of the prefix and five random letters that is not taken, unless luck wants it otherwise. */
export function generatedName(prefix: string, isTaken: (name: string) => boolean = () => false): string {
  let name = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const suffix = Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
    name = prefix.slice(0, MAX_GENERATED_PREFIX) + suffix;
    if (!isTaken(name)) break;
  }
  return name;
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** Without empty maps and lists, as Go's omitempty leaves them out. */
function pruned(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => !isEmpty(value))) as Metadata;
}

/** The metadata of a new object, and its status as the server starts it (Nodes may bring their own). */
export function newObject(kind: Kind, draft: ApiObject, namespace: string | undefined): ApiObject {
  const {
    resourceVersion: _,
    deletionTimestamp: __,
    deletionGracePeriodSeconds: ___,
    selfLink: ____,
    ...given
  } = draft.metadata;
  const metadata: Metadata = { ...pruned(given), uid: newUid(), creationTimestamp: timestamp() };
  if (kind.namespaced && namespace) metadata.namespace = namespace;
  else delete metadata.namespace;
  if (kind.hasGeneration) metadata.generation = 1;
  else delete metadata.generation;
  const { status, ...rest } = draft;
  const keepsStatus = kind.id === 'Node' || !hasStatus(kind);
  return { ...rest, metadata, ...(keepsStatus && status !== undefined ? { status } : {}) } as ApiObject;
}

/** Of its own characters: randomUUID gives a string of some twenty pieces, which V8 would keep as they are. */
function newUid(): string {
  return Buffer.from(crypto.randomUUID(), 'latin1').toString('latin1');
}

const KEPT_METADATA = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'namespace',
  'resourceVersion',
  'generateName',
] as const;
const NOT_TAKEN: ReadonlySet<string> = new Set([...KEPT_METADATA, 'selfLink']);

/** With what the server, not the client, says about an object that exists. */
function keptMetadata(next: Readonly<ObjectMeta>, old: Readonly<ObjectMeta>): Metadata {
  // Nothing is deleted: V8 keeps as a table what something was deleted from.
  const metadata: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(next))
    if (!NOT_TAKEN.has(field) && !isEmpty(value)) metadata[field] = value;
  for (const field of KEPT_METADATA) if (old[field] !== undefined) metadata[field] = old[field];
  return metadata as Metadata;
}

/** An update of the main resource leaves the status alone. */
export function changedObject(kind: Kind, next: ApiObject, old: ApiObject): ApiObject {
  const metadata = keptMetadata(next.metadata, old.metadata);
  if (!hasStatus(kind)) return { ...next, metadata };
  const { status: _, ...rest } = next;
  return { ...rest, metadata, ...(old.status === undefined ? {} : { status: old.status }) } as ApiObject;
}

/**
 * An update of /status leaves all but status, labels (Pods, Nodes) and annotations (of kinds that are built in) alone. A
 * status that is not there is an empty one.
 */
export function changedStatus(kind: Kind, next: ApiObject, old: ApiObject): ApiObject {
  const metadata: Metadata = { ...old.metadata };
  if (next.metadata.annotations && !isCustom(kind)) metadata.annotations = next.metadata.annotations;
  if (next.metadata.managedFields) metadata.managedFields = next.metadata.managedFields;
  if ((kind.id === 'Pod' || kind.id === 'Node') && next.metadata.labels) metadata.labels = next.metadata.labels;
  const { status: _, ...rest } = old;
  return { ...rest, metadata, ...(next.status === undefined ? {} : { status: next.status }) } as ApiObject;
}

const isCustom = ({ id, kind }: Kind): boolean => id !== kind;

/** Times of managedFields alone are no change. */
export function isUnchanged(next: ApiObject, old: ApiObject): boolean {
  const isSame = (field: string) => field === 'metadata' || equalJson(next[field], old[field]);
  if (!Object.keys(next).every(isSame) || !Object.keys(old).every(isSame)) return false;
  return equalJson(withoutTimes(next.metadata), withoutTimes(old.metadata));
}

function withoutTimes({ managedFields, resourceVersion: _, ...metadata }: Metadata): unknown {
  return { ...metadata, managedFields: managedFields?.map(({ time: __, ...entry }) => entry) };
}

/** The generation goes up when anything but metadata and status differs. */
export function withGeneration(kind: Kind, next: ApiObject, old: ApiObject): ApiObject {
  if (!kind.hasGeneration) return next;
  const asked = ({ metadata: _, status: __, ...rest }: ApiObject) => rest;
  if (equalJson(asked(next), asked(old))) return next;
  return { ...next, metadata: { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 } };
}

/** Also of one that admission changed: by another name it would be written over somebody else's. */
export function nameCauses({ metadata: { name } }: ApiObject, old: ApiObject): StatusCause[] {
  return name === old.metadata.name ? [] : [invalidValue('metadata.name', name, 'field is immutable')];
}

export function finalizerCauses(next: ApiObject, old: ApiObject): StatusCause[] {
  if (!old.metadata.deletionTimestamp) return [];
  const before = new Set(old.metadata.finalizers);
  const added = (next.metadata.finalizers ?? []).filter((name) => !before.has(name));
  if (added.length === 0) return [];
  const list = added.map((name) => JSON.stringify(name)).join(', ');
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [forbiddenField('metadata.finalizers', why)];
}

/** Whether nothing keeps an object that is being deleted any longer. */
export function isReleased(kind: Kind, object: ApiObject): boolean {
  if (!object.metadata.deletionTimestamp || object.metadata.finalizers?.length) return false;
  if (kind.id === 'Namespace') return !(object.spec as { finalizers?: string[] } | undefined)?.finalizers?.length;
  return !object.metadata.deletionGracePeriodSeconds;
}

const GARBAGE_FINALIZERS = ['foregroundDeletion', 'orphan'];

/** The finalizers a propagation policy asks the garbage collector for. */
export function finalizersFor(object: ApiObject, policy: string | undefined): readonly string[] {
  const present = object.metadata.finalizers ?? [];
  if (policy === undefined) return present;
  const others = present.filter((name) => !GARBAGE_FINALIZERS.includes(name));
  if (policy === 'Foreground') return [...others, 'foregroundDeletion'];
  return policy === 'Orphan' ? [...others, 'orphan'] : others;
}

/** Seconds a pod gets to end by itself; 0 when there is nothing to wait for. */
export function graceOf(kind: Kind, object: ApiObject, asked: number | undefined): number {
  if (kind.id !== 'Pod') return 0;
  const pod = object as unknown as Pod;
  const { spec } = pod;
  if (!spec?.nodeName || isPodOver(pod)) return 0;
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30;
  // Less than nothing is not at once: only a 0 that was asked for is.
  return seconds < 0 ? 1 : seconds;
}
