import { createRequire } from 'node:module';
import { messageOf, PodwireError } from '@podwire/base';
import type * as Yaml from 'yaml';

/** An object as plain data: nothing but apiVersion and kind is known of it. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface Manifest {
  readonly object: ManifestObject;
  /** The file name as given. */
  readonly source: string;
  /** From 1. */
  readonly document: number;
  /** Where the document begins, from 1. */
  readonly line: number;
}

/**
 * All objects of a multi-document YAML (or JSON) text; empty documents are left out, Lists are taken apart. YAML is
 * read as kubectl reads it: version 1.1 (`yes` is true, `0777` octal), but without timestamps and base-60 numbers.
 * Throws KUBE_BAD_MANIFEST naming source, document and line.
 */
export function parseManifests(text: string, source: string): Manifest[] {
  return parseDocuments(text, source).flatMap(({ value, document, line }) => {
    if (value === null || value === undefined) return [];
    return objectsOf(value, { source, document, line }).map((object) => ({ object, source, document, line }));
  });
}

/** The one value of a YAML or JSON text. Throws KUBE_BAD_MANIFEST. */
export function parseYaml(text: string, source: string): unknown {
  const [first, ...more] = parseDocuments(text, source).filter(({ value }) => value !== null);
  if (more[0]) throw bad({ source, document: more[0].document, line: more[0].line }, 'there is more than one document');
  return first?.value;
}

interface Place {
  readonly source: string;
  readonly document: number;
  readonly line: number;
}

function bad({ source, document, line }: Place, why: string, cause?: unknown): PodwireError {
  const message = `${source}: document ${document}, line ${line}: ${why}`;
  return new PodwireError('KUBE_BAD_MANIFEST', message, { details: { source, document, line }, cause });
}

function parseDocuments(text: string, source: string): { value: unknown; document: number; line: number }[] {
  // An agent that reads no manifest need not hold the parser.
  const yaml: typeof Yaml = createRequire(import.meta.url)('yaml');
  const lines = new yaml.LineCounter();
  const documents = yaml.parseAllDocuments(text, {
    version: '1.1',
    customTags: kubectlTags,
    lineCounter: lines,
    merge: true,
    // It would compare each key with all before it; see repeatedKey().
    uniqueKeys: false,
  });
  const list = Array.isArray(documents) ? documents : [];
  return list.map((document, i) => {
    const lineOf = ({ range }: { range?: Yaml.Range | null }) => lines.linePos(range?.[0] ?? 0).line;
    const place = { source, document: i + 1, line: lineOf(document.contents ?? document) };
    const repeated = document.errors.length === 0 ? repeatedKey(document, yaml) : undefined;
    if (repeated)
      throw bad(
        { ...place, line: lineOf(repeated) },
        `Map keys must be unique, but ${JSON.stringify(repeated.value)} is there again`,
      );
    return { value: jsonOf(document, place), document: i + 1, line: place.line };
  });
}

/** The first key that its map has had before; any number of `<<` may be in one. */
function repeatedKey(document: Yaml.Document.Parsed, { isScalar, visit }: typeof Yaml): Yaml.Scalar | undefined {
  let found: Yaml.Scalar | undefined;
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) found = key;
        if (found) return visit.BREAK;
        keys.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

/** go-yaml, which kubectl uses, has neither base-60 numbers nor (in JSON) timestamps. */
function kubectlTags(tags: Yaml.Tags): Yaml.Tags {
  return tags.filter(
    (tag) => typeof tag === 'string' || !(('format' in tag && tag.format === 'TIME') || tag.tag.endsWith(':timestamp')),
  );
}

function jsonOf(document: Yaml.Document.Parsed, place: Place): unknown {
  const [error] = document.errors;
  if (error)
    throw bad({ ...place, line: error.linePos?.[0].line ?? place.line }, error.message.split('\n')[0] ?? '', error);
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    const odd = notJson(value, '');
    if (odd !== undefined) throw bad(place, `the value at ${odd || 'the top'} cannot be written as JSON`);
    return value;
  } catch (cause) {
    throw cause instanceof PodwireError ? cause : bad(place, messageOf(cause), cause);
  }
}

/** Path of the first value JSON has no form for (.inf, !!binary, !!set...). */
function notJson(value: unknown, at: string): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : at;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value !== 'object') return at;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain) return at;
  for (const [key, member] of Object.entries(value)) {
    const found = notJson(member, at ? `${at}.${key}` : key);
    if (found !== undefined) return found;
  }
  return undefined;
}

function objectsOf(value: unknown, place: Place): ManifestObject[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(place, 'this is not an object with apiVersion and kind');
  const { apiVersion, kind, items } = value as { apiVersion?: unknown; kind?: unknown; items?: unknown };
  if (typeof kind !== 'string' || kind === '')
    throw bad(place, "Object 'Kind' is missing; every object needs apiVersion and kind");
  if (typeof apiVersion !== 'string' || apiVersion === '') throw bad(place, `apiVersion of the ${kind} is missing`);
  if (kind.endsWith('List') && Array.isArray(items)) return items.flatMap((item) => objectsOf(item, place));
  return [value as ManifestObject];
}
