import { DecodeError } from '../errors.ts';
import { type AttributeRow, type AttributeRows, codecParts, readAttributes } from './attribute.ts';
import { messageHeader } from './netlink-message.ts';
import type { NetlinkProtocol } from './netlink-socket.ts';

/** What a message type holds behind its nlmsghdr. */
export interface MessageLayout {
  /** The kernel's name of the message: `RTM_NEWLINK`. */
  readonly name: string;
  /** The family's own fixed header, e.g. ifinfomsg. */
  readonly header: { readonly name: string; readonly size: number };
  readonly table: { readonly name: string; readonly rows: object };
  /** Of generic netlink, whose message types are families: what each command holds, by the number that begins the body. */
  readonly commands?: Readonly<Record<number, MessageLayout>>;
}

const known = new Map<NetlinkProtocol, Map<number, MessageLayout>>();

/** Makes the messages of a family known by type, for traces and for errors that name an attribute. */
export function registerLayouts(protocol: NetlinkProtocol, layouts: Readonly<Record<number, MessageLayout>>): void {
  const all = known.get(protocol) ?? new Map<number, MessageLayout>();
  for (const [type, layout] of Object.entries(layouts)) all.set(Number(type), layout);
  known.set(protocol, all);
}

export function layoutOf(protocol: NetlinkProtocol, type: number, body?: Uint8Array): MessageLayout | undefined {
  const layout = known.get(protocol)?.get(type);
  return layout?.commands?.[body?.[0] ?? -1] ?? layout;
}

/** Where the kernel found fault with a request, in bytes from its nlmsghdr. */
export interface Fault {
  /** The attribute that is wrong begins here (NLMSGERR_ATTR_OFFS). */
  readonly offset?: number | undefined;
  /** The type of an attribute that is missing (NLMSGERR_ATTR_MISS_TYPE) ... */
  readonly missing?: number | undefined;
  /** ... inside the nested attribute that begins here; absent: on the outermost level (NLMSGERR_ATTR_MISS_NEST). */
  readonly missingIn?: number | undefined;
}

/** The names of the attributes around the fault, outermost first: `IFLA_LINKINFO IFLA_INFO_KIND`. */
export function nameFault(layout: MessageLayout, body: Uint8Array, fault: Fault): string | undefined {
  const first = align(layout.header.size);
  const rows = layout.table.rows as AttributeRows;
  const at = fault.missing === undefined ? fault.offset : fault.missingIn;
  const place: Place = { bytes: Buffer.from(body).subarray(first), offset: (at ?? 0) - messageHeader.size - first };
  if (fault.missing === undefined) return at === undefined ? undefined : trailOf(rows, place)?.labels.join(' ');
  const parent = at === undefined ? { labels: [], rows } : trailOf(rows, place);
  return parent && [...parent.labels, labelOf(parent.rows, fault.missing)].join(' ');
}

const align = (length: number): number => (length + 3) & ~3;

interface Place {
  readonly bytes: Buffer;
  /** Where in `bytes` the wanted attribute begins. */
  readonly offset: number;
}

interface Trail {
  readonly labels: readonly string[];
  /** What stands inside the attribute that was found. */
  readonly rows: AttributeRows | undefined;
}

function trailOf(rows: AttributeRows, { bytes, offset }: Place): Trail | undefined {
  const found = findAttribute(bytes, offset);
  if (!found) return undefined;
  const label = labelOf(rows, found.type);
  const inside = rowsInside(rows, found.type, bytes);
  if (found.at === offset) return { labels: [label], rows: inside };
  const deeper = inside && trailOf(inside, { bytes: found.payload, offset: offset - found.at - 4 });
  return { labels: [label, ...(deeper?.labels ?? [])], rows: deeper?.rows };
}

/** The attribute of this level that the offset lies in. */
function findAttribute(bytes: Buffer, offset: number) {
  try {
    return readAttributes(bytes, 'request').find(({ at, payload }) => offset >= at && offset < at + 4 + payload.length);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function rowOf(rows: AttributeRows, type: number): [string, AttributeRow] | undefined {
  return Object.entries(rows).find(([, [number]]) => number === type);
}

function labelOf(rows: AttributeRows | undefined, type: number): string {
  const [key, row] = (rows && rowOf(rows, type)) ?? [];
  return row?.[2] ?? key ?? `attribute ${type}`;
}

/** The table of a nested attribute; lists and choices are looked through. */
function rowsInside(rows: AttributeRows, type: number, beside: Buffer): AttributeRows | undefined {
  const codec = rowOf(rows, type)?.[1][1];
  if (!codec) return undefined;
  const parts = codecParts(codec);
  if (parts.rows) return parts.rows;
  if (parts.element) return { element: [1, parts.element] };
  const word = parts.dependsOn === undefined ? undefined : siblingText(rows, parts.dependsOn, beside);
  const choice = word === undefined ? undefined : parts.choices?.[word];
  return choice && codecParts(choice).rows;
}

function siblingText(rows: AttributeRows, key: string, beside: Buffer): string | undefined {
  const payload = readAttributes(beside, 'request').find(({ type }) => type === rows[key]?.[0])?.payload;
  return payload?.toString('utf8').replace(/\0.*$/s, '');
}

/** Bytes of the family's header in a message of this type, for the trace; nfgenmsg and genlmsghdr have four. */
export function headerSize(protocol: NetlinkProtocol, type: number): number {
  return layoutOf(protocol, type)?.header.size ?? (protocol === 'route' ? 16 : 4);
}
