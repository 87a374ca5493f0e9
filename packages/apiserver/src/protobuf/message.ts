import type { ResolvedType } from '../schema/catalogue.ts';
import type { FieldSchema } from '../schema/notation.ts';
import { ADMISSION_NUMBERS } from './admission-numbers.ts';
import { AUTOSCALING_NUMBERS, AUTOSCALING_V2_NUMBERS } from './autoscaling-numbers.ts';
import { BATCH_NUMBERS } from './batch-numbers.ts';
import { API_REGISTRATION_NUMBERS, CERTIFICATE_NUMBERS } from './certificate-numbers.ts';
import { CORE_NUMBERS } from './core-numbers.ts';
import { FLOW_CONTROL_NUMBERS } from './flow-control-numbers.ts';
import {
  APPS_NUMBERS,
  COORDINATION_NUMBERS,
  DISCOVERY_NUMBERS,
  EVENTS_NUMBERS,
  META_NUMBERS,
  NETWORKING_NUMBERS,
  POLICY_NUMBERS,
  RBAC_NUMBERS,
  SCHEDULING_NUMBERS,
} from './group-numbers.ts';
import { POD_NUMBERS } from './pod-numbers.ts';
import { AUTHENTICATION_NUMBERS, AUTHORIZATION_NUMBERS } from './review-numbers.ts';
import { PERSISTENT_VOLUME_NUMBERS, STORAGE_NUMBERS } from './storage-numbers.ts';
import { VOLUME_NUMBERS } from './volume-numbers.ts';

/**
 * Message names to their fields in the order of their numbers, separated by white space. A word is
 *
 * - the JSON name of a field, with the number after that of the word before (the first has 1);
 * - `name?`: zero, false and the empty string are told apart from an absent value, so JSON has them;
 * - `>Message`: the fields of this embedded message stand in its parent in JSON;
 * - a number: that of the next word.
 */
export type NumberTable = Readonly<Record<string, string>>;

/** What a field number means. The type of a field comes from the schema. */
type Entry = { readonly field: FieldSchema; readonly keepsZero: boolean } | { readonly embedded: Message };

export interface Message {
  /** The schema of the JSON object that holds the fields: of an embedded message, its parent's. */
  readonly type: ResolvedType;
  readonly entries: ReadonlyMap<number, Entry>;
}

const FAMILIES: Readonly<Record<string, NumberTable>> = {
  'io.k8s.api.core.v1': { ...CORE_NUMBERS, ...POD_NUMBERS, ...VOLUME_NUMBERS, ...PERSISTENT_VOLUME_NUMBERS },
  'io.k8s.apimachinery.pkg.apis.meta.v1': META_NUMBERS,
  'io.k8s.api.admissionregistration.v1': ADMISSION_NUMBERS,
  'io.k8s.api.apps.v1': APPS_NUMBERS,
  'io.k8s.api.autoscaling.v1': AUTOSCALING_NUMBERS,
  'io.k8s.api.autoscaling.v2': AUTOSCALING_V2_NUMBERS,
  'io.k8s.api.authentication.v1': AUTHENTICATION_NUMBERS,
  'io.k8s.api.authorization.v1': AUTHORIZATION_NUMBERS,
  'io.k8s.api.events.v1': EVENTS_NUMBERS,
  'io.k8s.api.storage.v1': STORAGE_NUMBERS,
  'io.k8s.api.coordination.v1': COORDINATION_NUMBERS,
  'io.k8s.api.discovery.v1': DISCOVERY_NUMBERS,
  'io.k8s.api.networking.v1': NETWORKING_NUMBERS,
  'io.k8s.api.policy.v1': POLICY_NUMBERS,
  'io.k8s.api.batch.v1': BATCH_NUMBERS,
  'io.k8s.api.rbac.v1': RBAC_NUMBERS,
  'io.k8s.api.scheduling.v1': SCHEDULING_NUMBERS,
  'io.k8s.api.certificates.v1': CERTIFICATE_NUMBERS,
  'io.k8s.api.flowcontrol.v1': FLOW_CONTROL_NUMBERS,
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1': API_REGISTRATION_NUMBERS,
};

const known = new Map<string, Message>();

/** The field numbers of a type; no entries when no table has it. */
export function messageOf(type: ResolvedType): Message {
  let message = known.get(type.qualifiedName);
  if (!message) {
    message = readMessage(type, type.name);
    known.set(type.qualifiedName, message);
  }
  return message;
}

function readMessage(type: ResolvedType, name: string): Message {
  const prefix = type.qualifiedName.slice(0, -type.name.length - 1);
  const entries = new Map<number, Entry>();
  let number = 1;
  for (const word of (FAMILIES[prefix]?.[name] ?? '').split(/\s+/).filter(Boolean)) {
    if (/^\d+$/.test(word)) number = Number(word);
    else entries.set(number++, readEntry(type, name, word));
  }
  return { type, entries };
}

function readEntry(type: ResolvedType, message: string, word: string): Entry {
  if (word.startsWith('>')) return { embedded: readMessage(type, word.slice(1)) };
  const keepsZero = word.endsWith('?');
  const field = type.fields.get(keepsZero ? word.slice(0, -1) : word);
  if (!field) throw new TypeError(`the field numbers of ${message} name ${word}, which ${type.qualifiedName} has not`);
  // Kubernetes leaves empty values out of JSON (`omitempty`) unless the field is required.
  return { field, keepsZero: keepsZero || field.required };
}
