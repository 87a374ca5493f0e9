import { cloneJson, equalJson } from '@podwire/kube';
import { badRequest, failure } from './status.ts';

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7386. Neither argument is changed, nor is the patch part of the result; undefined members are none. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return cloneJson(patch);
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const key in patch) {
    const value = patch[key];
    if (value === undefined) continue;
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** RFC 6902, all or nothing; throws 400 for what is not a patch and 422 for one that does not apply. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('json patch: the body is not an array of operations');
  if (patch.length > 10_000)
    throw failure(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is 10000, got ${patch.length}`,
    );
  const copied = { bytes: 0 };
  let document = cloneJson(target);
  for (const operation of patch) document = applyOperation(document, operation, copied);
  return document;
}

/** What all copies of one patch may add up to: each may double the document. */
const COPY_LIMIT = 3 * 1024 * 1024;

function copyOf(value: unknown, copied: { bytes: number }): unknown {
  copied.bytes += Buffer.byteLength(JSON.stringify(value));
  if (copied.bytes <= COPY_LIMIT) return cloneJson(value);
  const why = `the accumulated size increase of copy is ${copied.bytes}, exceeding the limit ${COPY_LIMIT}`;
  throw unappliable(`Unable to complete the copy, ${why}`);
}

function applyOperation(document: unknown, operation: Operation, copied: { bytes: number }): unknown {
  if (!isObject(operation)) throw badRequest('json patch: an operation is not an object');
  const { op, path, from } = operation;
  if (typeof path !== 'string') throw badRequest('json patch: an operation has no path');
  if (from !== undefined && typeof from !== 'string') throw badRequest('json patch: `from` is not a path');
  switch (op) {
    case 'add':
      return addAt(document, pointer(path), cloneJson(operation.value));
    case 'remove':
      return removeAt(document, pointer(path)).document;
    case 'replace':
      return addAt(removeAt(document, pointer(path)).document, pointer(path), cloneJson(operation.value));
    case 'move': {
      if (path.startsWith(`${from}/`)) throw unappliable(`cannot move ${from} into itself`);
      const { document: without, removed } = removeAt(document, pointer(from ?? ''));
      return addAt(without, pointer(path), removed);
    }
    case 'copy':
      return addAt(document, pointer(path), copyOf(valueAt(document, pointer(from ?? '')), copied));
    case 'test':
      if (!equalJson(valueAt(document, pointer(path)) ?? null, operation.value ?? null)) throw failedTest(path);
      return document;
    default:
      throw badRequest(`json patch: unexpected kind: ${String(op)}`);
  }
}

const failedTests = new WeakSet<object>();

function failedTest(path: string): Error {
  const error = unappliable(`testing value ${path} failed`);
  failedTests.add(error);
  return error;
}

/** Whether a JSON patch was not applied because something was not as it wanted. */
export function isFailedTest(error: unknown): boolean {
  return typeof error === 'object' && error !== null && failedTests.has(error);
}

function unappliable(why: string): Error {
  return failure(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`);
}

/** RFC 6901. */
function pointer(text: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) throw badRequest(`json patch: "${text}" is not a JSON pointer`);
  const parts = text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  // Assigning to this name would set the prototype.
  if (parts.includes('__proto__')) throw unappliable(`path ${text} cannot be`);
  return parts;
}

function indexIn(list: readonly unknown[], part: string, limit: number): number {
  const index = /^(0|[1-9]\d*)$/.test(part) ? Number(part) : Number.NaN;
  if (!(index < limit)) throw unappliable(`invalid index ${part} for a list of ${list.length}`);
  return index;
}

function valueAt(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const part of path) {
    if (Array.isArray(value)) value = value[indexIn(value, part, value.length)];
    else if (isObject(value) && Object.hasOwn(value, part)) value = value[part];
    else throw unappliable(`path /${path.join('/')} does not exist`);
  }
  return value;
}

function addAt(document: unknown, path: readonly string[], value: unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = valueAt(document, path.slice(0, -1));
  if (Array.isArray(parent))
    parent.splice(last === '-' ? parent.length : indexIn(parent, last, parent.length + 1), 0, value);
  else if (isObject(parent)) parent[last] = value;
  else throw unappliable(`path /${path.join('/')} does not exist`);
  return document;
}

function removeAt(document: unknown, path: readonly string[]): { document: unknown; removed: unknown } {
  const last = path.at(-1);
  if (last === undefined) return { document: null, removed: document };
  const parent = valueAt(document, path.slice(0, -1));
  const removed = valueAt(parent, [last]);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as JsonObject)[last];
  return { document, removed };
}
