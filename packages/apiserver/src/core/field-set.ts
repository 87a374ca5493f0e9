import { isObject, type JsonObject } from './patches.ts';

/**
 * meta/v1 FieldsV1 as it is written: `f:name` a field, `k:{...}` a list item by its keys, `v:...` an item of a set,
 * `i:0` one by its index. Below each the set of what is in it; `{}` is the element alone, `.` the element beside others.
 */
export type FieldSet = { readonly [element: string]: FieldSet };
export type MutableFieldSet = { [element: string]: FieldSet };

const SELF = '.';
export const LEAF: FieldSet = Object.freeze({});

const isEmpty = (set: FieldSet): boolean => {
  for (const _ in set) return false;
  return true;
};

/** Whether the element itself is in the set, not only something below it. */
export function isMember(below: FieldSet | undefined): boolean {
  return below !== undefined && (below[SELF] !== undefined || isEmpty(below));
}

/** What stands for an element with these below it; undefined for nothing at all. */
export function fieldNode(member: boolean, below: FieldSet): FieldSet | undefined {
  if (isEmpty(below)) return member ? LEAF : undefined;
  return member ? { [SELF]: LEAF, ...below } : below;
}

function belowOf(node: FieldSet): FieldSet {
  if (node[SELF] === undefined) return node;
  const { [SELF]: _, ...below } = node;
  return below;
}

/** What is in either; `a` itself when it has all of `b`. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  let result: MutableFieldSet | undefined;
  for (const element of Object.keys(b)) {
    const [present, added] = [a[element], b[element]];
    if (element === SELF || added === undefined) continue;
    const node = present === undefined ? added : joined(present, added);
    if (node === present) continue;
    result ??= { ...a };
    result[element] = node;
  }
  return result ?? a;
}

function joined(present: FieldSet, added: FieldSet): FieldSet {
  const both = union(present, added);
  const isComplete = both[SELF] !== undefined || isEmpty(both) || !(isMember(present) || isMember(added));
  return isComplete ? both : { [SELF]: LEAF, ...both };
}

/** What `a` has and `b` has not; `a` itself when they have nothing in common. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (!Object.keys(b).some((element) => element !== SELF && a[element] !== undefined)) return a;
  const result: MutableFieldSet = {};
  let differs = false;
  for (const element of Object.keys(a)) {
    const present = a[element] ?? LEAF;
    const taken = element === SELF ? undefined : b[element];
    const node = taken === undefined ? present : remainder(present, taken);
    differs ||= node !== present;
    if (node) result[element] = node;
  }
  return differs ? result : a;
}

/** What is left of an element and what is below it; undefined when nothing is. */
function remainder(present: FieldSet, taken: FieldSet): FieldSet | undefined {
  const isKept = isMember(present) && !isMember(taken);
  const left = difference(present, taken);
  if (left === present && (isKept || !isMember(present))) return present;
  return fieldNode(isKept, belowOf(left));
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result: MutableFieldSet = {};
  for (const [element, left] of Object.entries(a)) {
    const right = b[element];
    if (right === undefined) continue;
    const node = fieldNode(isMember(left) && isMember(right), intersection(belowOf(left), belowOf(right)));
    if (node) result[element] = node;
  }
  return result;
}

/** The paths of all members as messages have them: `.spec.containers[name="a"].image`, `.metadata.finalizers[="x"]`. */
export function fieldPaths(set: FieldSet, prefix = ''): string[] {
  return Object.entries(set).flatMap(([element, node]) => {
    if (element === SELF) return [];
    const path = prefix + pathElement(element);
    return [...(isMember(node) ? [path] : []), ...fieldPaths(belowOf(node), path)];
  });
}

function pathElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  if (element.startsWith('i:')) return `[${text}]`;
  const keys = Object.entries(JSON.parse(text) as JsonObject).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `[${keys.join(',')}]`;
}

/** Whether a client's value is a FieldsV1. */
export function isFieldSet(value: unknown): value is FieldSet {
  return (
    isObject(value) &&
    Object.entries(value).every(([element, below]) =>
      element === SELF ? isObject(below) && isEmpty(below as FieldSet) : isElement(element) && isFieldSet(below),
    )
  );
}

function isElement(element: string): boolean {
  const text = element.slice(2);
  if (element.startsWith('f:')) return true;
  if (element.startsWith('i:')) return /^\d+$/.test(text);
  if (!element.startsWith('k:') && !element.startsWith('v:')) return false;
  try {
    const value: unknown = JSON.parse(text);
    return element.startsWith('v:') || isObject(value);
  } catch {
    return false;
  }
}

/** Members in the order Kubernetes writes them: fields, then items, each by name. */
export function sortedFields(set: FieldSet): FieldSet {
  const elements = Object.keys(set);
  if (elements.length === 0) return set;
  const rank = (element: string) => (element === SELF ? '' : element);
  elements.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return Object.fromEntries(elements.map((element) => [element, sortedFields(set[element] ?? LEAF)]));
}
