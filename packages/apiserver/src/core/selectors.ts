import type { KindId } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { parseLabelSelector } from './label-selector.ts';
import { badRequest } from './status.ts';

export type Matcher = (object: ApiObject) => boolean;

/** As events.k8s.io/v1 names what core/v1 calls the involved object. */
const REGARDING: Readonly<Record<string, string>> = Object.fromEntries(
  ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((field) => [
    `regarding.${field}`,
    `involvedObject.${field}`,
  ]),
);
/** Names in selectors that are not the path of the field. */
const PATHS: Readonly<Record<string, string>> = {
  ...REGARDING,
  reportingController: 'reportingComponent',
  source: 'source.component',
  'status.successful': 'status.succeeded',
};
const EVERY_KIND = ['metadata.name', 'metadata.namespace'];
const FIELDS: Partial<Record<KindId, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'reportingController',
    'source',
    'type',
    ...Object.keys(REGARDING),
  ],
  Secret: ['type'],
  CertificateSigningRequest: ['spec.signerName'],
  Namespace: ['status.phase'],
  Node: ['spec.unschedulable'],
  Service: ['spec.clusterIP', 'spec.type'],
  ReplicaSet: ['status.replicas'],
  ReplicationController: ['status.replicas'],
  Job: ['status.successful'],
};
const ABSENT: Readonly<Record<string, string>> = {
  'spec.hostNetwork': 'false',
  'spec.unschedulable': 'false',
  'status.replicas': '0',
  'status.successful': '0',
};

interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

function fieldTerms(text: string | null | undefined): readonly FieldTerm[] {
  if (!text?.trim()) return [];
  return text.split(',').map((term) => {
    const parsed = /^([^=!]+)(==|=|!=)(.*)$/.exec(term.trim());
    if (!parsed) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = '', operator, value = ''] = parsed;
    return { field, equal: operator !== '!=', value };
  });
}

/** What a field selector asks a field to be; undefined when it leaves that open. Throws 400. */
export function wantedValue(text: string | null | undefined, wanted: string): string | undefined {
  return fieldTerms(text).find(({ field, equal }) => equal && field === wanted)?.value;
}

/** `spec.nodeName=n1,status.phase!=Running`; throws 400 for fields the kind cannot be selected by. */
export function parseFieldSelector(
  kind: KindId,
  text: string | null | undefined,
  more: readonly string[] = [],
): Matcher | undefined {
  const terms = fieldTerms(text).map((term) => {
    const { field } = term;
    if (!EVERY_KIND.includes(field) && !FIELDS[kind]?.includes(field) && !more.includes(field))
      throw badRequest(`field label not supported: ${field}`);
    return { ...term, path: (PATHS[field] ?? field).split('.') };
  });
  if (terms.length === 0) return undefined;
  return (object) =>
    terms.every(({ field, path, equal, value }) => (fieldText(object, field, path) === value) === equal);
}

/** A field as selectors see it. */
export function fieldText(object: ApiObject, field: string, path: readonly string[]): string {
  let value: unknown = object;
  for (const part of path) value = (value as Record<string, unknown> | null | undefined)?.[part];
  return String(value ?? ABSENT[field] ?? '');
}

export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | null | undefined;
  readonly fieldSelector?: string | null | undefined;
  /** Paths of fields that only objects of a custom resource can be selected by. */
  readonly selectableFields?: readonly string[] | undefined;
}

/** One test for namespace, labels and fields together; undefined when every object of the kind is selected. */
export function parseSelection(kind: KindId, selection: Selection): Matcher | undefined {
  const { namespace, selectableFields } = selection;
  const labels = parseLabelSelector(selection.labelSelector);
  const fields = parseFieldSelector(kind, selection.fieldSelector, selectableFields);
  if (!namespace && !labels && !fields) return undefined;
  return (object) =>
    (!namespace || object.metadata.namespace === namespace) &&
    (!labels || labels(object.metadata.labels)) &&
    (!fields || fields(object));
}
