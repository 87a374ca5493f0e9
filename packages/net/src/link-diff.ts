import type { PodwireError } from '@podwire/base';
import { deleteLink, type Link } from './link.ts';
import { createLink, type LinkSpec } from './link-creation.ts';
import { hasOwnLower, isLifelong, isLinkKind } from './link-kind.ts';
import { type LinkSettings, setLink } from './link-settings.ts';
import type { RouteSocket } from './rtnetlink.ts';

/** What to do to come from observed links to desired ones, in this order. */
export interface LinkDifference {
  /** Names; also of links that have to be made anew. */
  readonly remove: readonly string[];
  /** Lower links and masters before those that need them. */
  readonly create: readonly LinkSpec[];
  readonly change: readonly { readonly name: string; readonly settings: LinkSettings }[];
}

export interface LinkOwnership {
  /** Links whose name begins with it are removed when they are not desired; absent: none is. */
  readonly prefix?: string;
}

/**
 * Compares what desired links say; what they leave out may be as it is. A link is made anew when its kind, or what it
 * keeps for life (VNI, VLAN id, lower link), differs. A peer is looked at only when the pair is made.
 */
export function diffLinks(
  desired: readonly LinkSpec[],
  observed: readonly Link[],
  { prefix }: LinkOwnership = {},
): LinkDifference {
  const present = new Map(observed.map((link) => [link.name, link]));
  // the other end of a pair is here, too, unless it was born elsewhere
  const peers = desired.flatMap(({ peer }) => (peer && !peer.netns ? [peer.name] : []));
  const wanted = new Set([...desired.map(({ name }) => name), ...peers]);
  const stale = observed.filter(({ name }) => prefix !== undefined && name.startsWith(prefix) && !wanted.has(name));
  const gone = new Set(stale.map(({ name }) => name));
  const replaced = new Set<string>();
  for (const spec of inOrder(desired)) {
    const link = present.get(spec.name);
    if (!link || !(isAnother(spec, link) || goesAlong(link, gone, observed))) continue;
    replaced.add(spec.name);
    gone.add(spec.name);
  }
  return {
    remove: [...stale.map(({ name }) => name), ...replaced],
    create: inOrder(desired).filter(({ name }) => !present.has(name) || replaced.has(name)),
    change: desired.flatMap((spec) => {
      const link = replaced.has(spec.name) ? undefined : present.get(spec.name);
      const settings = link && changedSettings(spec, link, replaced);
      return settings && Object.keys(settings).length > 0 ? [{ name: spec.name, settings }] : [];
    }),
  };
}

/** Lower links and masters first; those that wait for each other keep their order. */
function inOrder(desired: readonly LinkSpec[]): LinkSpec[] {
  const byName = new Map(desired.map((spec) => [spec.name, spec]));
  const done = new Set<LinkSpec>();
  const visit = (spec: LinkSpec | undefined): void => {
    if (spec === undefined || done.has(spec)) return;
    done.add(spec);
    visitNeeds(spec);
    order.push(spec);
  };
  const order: LinkSpec[] = [];
  const visitNeeds = ({ lower, master }: LinkSpec) => {
    for (const need of [lower, master]) if (need !== undefined) visit(byName.get(need));
  };
  for (const spec of desired) visit(spec);
  return order;
}

/** What sits on a link goes with it, and so does the other end of a pair. */
function goesAlong({ lower, peerIndex, peerNetnsId }: Link, gone: ReadonlySet<string>, all: readonly Link[]): boolean {
  if (gone.size === 0) return false;
  const isPeerHere = peerIndex !== undefined && peerNetnsId === undefined;
  const peer = isPeerHere ? all.find(({ index }) => index === peerIndex)?.name : undefined;
  return [lower, peer].some((name) => name !== undefined && gone.has(name));
}

function isAnother(spec: LinkSpec, link: Link): boolean {
  const { kind } = spec;
  if (kind !== link.kind) return true;
  if (spec.lower !== undefined && !hasOwnLower(kind) && spec.lower !== link.lower) return true;
  if (!isLinkKind(kind)) return false;
  const [given, seen] = [spec[kind] ?? {}, (link[kind] ?? {}) as Record<string, unknown>];
  return Object.entries(given).some(([key, value]) => isLifelong(kind, key) && !same(value, seen[key]));
}

/** Not settings, or compared elsewhere. */
const IDENTITY = new Set(['name', 'kind', 'peer', 'txQueues', 'rxQueues', 'data', 'lower', 'master']);

function changedSettings(spec: LinkSpec, link: Link, replaced: ReadonlySet<string>): LinkSettings {
  const settings: Record<string, unknown> = {};
  const seen = link as unknown as Record<string, unknown>;
  for (const [key, value] of Object.entries(spec)) {
    if (value === undefined || IDENTITY.has(key)) continue;
    const nested = isLinkKind(key) || key === 'bridgePort';
    const change = nested ? changedEntries(key, value, seen[key]) : same(value, seen[key]) ? undefined : value;
    if (change !== undefined) settings[key] = change;
  }
  const { master, lower, isolated, hairpin, bridgePort } = spec;
  if (master !== undefined && (master !== link.master || replaced.has(master))) {
    // a new port begins with the defaults
    for (const [key, value] of Object.entries({ master, isolated, hairpin, bridgePort }))
      if (value !== undefined) settings[key] = value;
  }
  if (lower !== undefined && lower !== link.lower) settings.lower = lower;
  return settings as LinkSettings;
}

function changedEntries(kind: string, given: object, seen: unknown): object | undefined {
  const before = (seen ?? {}) as Record<string, unknown>;
  const changed = Object.entries(given).filter(
    ([key, value]) =>
      value !== undefined && !same(value, before[key]) && !(kind === 'bridge' && sameTime(key, value, before[key])),
  );
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

/** A bridge keeps times in ticks of the kernel's clock, so one that is told may differ by a hundredth of a second. */
function sameTime(key: string, given: unknown, seen: unknown): boolean {
  const isTime = /(Time|Delay|Age|Interval)$/.test(key) && typeof given === typeof seen;
  return isTime && Math.abs(Number(given) - Number(seen)) <= 1;
}

const HEX_WITH_COLONS = /^[0-9a-f]*:[0-9a-f:.]*$/i;

/**
 * Words of flags and names come in any order; what is off may be absent; case does not matter in MAC and IPv6 addresses;
 * of bits with a mask only those of the mask are meant.
 */
function same(given: unknown, seen: unknown): boolean {
  if (Array.isArray(given)) return canonical([...given]) === canonical([...((seen as unknown[]) ?? [])]);
  if (given === false || given === '') return seen === undefined || seen === given;
  if (typeof given === 'string' && typeof seen === 'string' && HEX_WITH_COLONS.test(given))
    return given.toLowerCase() === seen.toLowerCase();
  if (isMasked(given) && isMasked(seen))
    return canonical(masked(given, given.mask)) === canonical(masked(seen, given.mask));
  return canonical(given) === canonical(seen);
}

interface Masked {
  readonly mask: unknown;
}

function isMasked(value: unknown): value is Masked {
  return typeof value === 'object' && value !== null && 'mask' in value;
}

/** Bits as a number (bridge) or as words (vlan). */
function masked({ mask: _, ...parts }: Masked, mask: unknown): unknown[] {
  return Object.values(parts).map((part) => {
    if (typeof part === 'number' && typeof mask === 'number') return (part & mask) >>> 0;
    return Array.isArray(part) && Array.isArray(mask) ? part.filter((word) => mask.includes(word)) : part;
  });
}

function canonical(value: unknown): string | undefined {
  const list = Array.isArray(value) ? value.map(canonical).sort() : value;
  return JSON.stringify(list, (_, part) => (typeof part === 'bigint' ? String(part) : part));
}

export interface LinkResult {
  readonly name: string;
  readonly action: 'create' | 'change' | 'remove';
  /** KernelError, NET_NO_LINK, NET_BAD_VALUE */
  readonly error: PodwireError | undefined;
}

/** Does what diffLinks says: removals, creations, changes. One result each; nothing is thrown for them. */
export function applyLinks(socket: RouteSocket, { remove, create, change }: LinkDifference): LinkResult[] {
  return [
    ...remove.map((name) => attempt(name, 'remove', () => deleteLink(socket, name))),
    ...create.map((spec) => attempt(spec.name, 'create', () => createLink(socket, spec))),
    ...change.map(({ name, settings }) => attempt(name, 'change', () => setLink(socket, name, settings))),
  ];
}

function attempt(name: string, action: LinkResult['action'], run: () => unknown): LinkResult {
  try {
    run();
    return { name, action, error: undefined };
  } catch (error) {
    return { name, action, error: error as PodwireError };
  }
}
