import { equalJson, type ObjectOf } from '@podwire/kube';

type Metadata = NonNullable<ObjectOf<'ServiceImport'>['metadata']>;
type Texts = Readonly<Record<string, string>>;

/** What exports want to be on an import. */
export interface ExportedMetadata {
  readonly labels: Texts;
  readonly annotations: Texts;
}

/** On an import: the keys that came with exports, which go with them. Those of others stay. */
const EXPORTED_KEYS = 'multicluster.podwire.io/exported-keys';
/** Say what an object is, to this controller or to others of its kind. */
const RESERVED = ['multicluster.podwire.io', 'multicluster.kubernetes.io', 'multicluster.x-k8s.io'];
/** A DNS subdomain, if any, and a name. */
const KEY =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const LONGEST_PREFIX = 253;
/** Of all annotations, in bytes: half of what Kubernetes takes, for their keys are noted and others may be there. */
const LARGEST = 128 * 1024;
const VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;

/** Of a ServiceExport, without what an API server would not take: the export of one cluster must not keep others from theirs. */
export function exportedMetadata({ spec }: ObjectOf<'ServiceExport'>): ExportedMetadata {
  const { exportedLabels, exportedAnnotations } = spec ?? {};
  return {
    labels: filtered(exportedLabels, (value) => VALUE.test(value)),
    annotations: fitting(filtered(exportedAnnotations, () => true)),
  };
}

/** All or none. */
function fitting(texts: Texts): Texts {
  const size = Object.entries(texts).reduce((sum, entry) => sum + Buffer.byteLength(entry.join('')), 0);
  return size > LARGEST ? {} : texts;
}

/** Sorted by key. */
function filtered(texts: Texts = {}, isValue: (value: string) => boolean): Texts {
  const good = Object.entries(texts).filter(([key, value]) => isKey(key) && isValue(value));
  return Object.fromEntries(good.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isKey(key: string): boolean {
  const [prefix = ''] = key.split('/');
  return KEY.test(key) && prefix.length <= LONGEST_PREFIX && !RESERVED.includes(prefix);
}

/** The metadata an import should have; undefined: it has. */
export function importMetadata(present: Metadata, { labels, annotations }: ExportedMetadata): Metadata | undefined {
  const before = exportedKeys(present.annotations?.[EXPORTED_KEYS]);
  const { [EXPORTED_KEYS]: _, ...noted } = present.annotations ?? {};
  const keys = { labels: Object.keys(labels), annotations: Object.keys(annotations) };
  const isNote = keys.labels.length + keys.annotations.length > 0;
  const note = isNote ? { [EXPORTED_KEYS]: JSON.stringify(keys) } : {};
  const next = {
    labels: { ...without(present.labels ?? {}, before.labels), ...labels },
    annotations: { ...without(noted, before.annotations), ...annotations, ...note },
  };
  const now = { labels: present.labels ?? {}, annotations: present.annotations ?? {} };
  return equalJson(next, now) ? undefined : { ...present, ...next };
}

function without(texts: Texts, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([key]) => !keys.includes(key)));
}

/** None when somebody has written something else there. */
function exportedKeys(note: string | undefined): { labels: readonly string[]; annotations: readonly string[] } {
  const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
  try {
    const { labels, annotations } = JSON.parse(note ?? '{}');
    return { labels: list(labels), annotations: list(annotations) };
  } catch {
    return { labels: [], annotations: [] };
  }
}
