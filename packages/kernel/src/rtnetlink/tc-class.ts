import type { Netlink } from '../netlink/netlink.ts';
import type { NetlinkMessage } from '../netlink/netlink-message.ts';
import { formatTcHandle, parseTcHandle } from './tc-identifier.ts';
import { type HtbClassOptions, htbClassFromWire, htbClassToWire } from './tc-shaper.ts';
import {
  decodeTc,
  deleteTc,
  dumpTc,
  statsOf,
  type TcAttributes,
  type TcStats,
  type TcVerb,
  tcRequest,
} from './tc-table.ts';

export type TcClassKind =
  | { readonly kind: 'htb'; readonly options: HtbClassOptions }
  /** Every other, its TCA_OPTIONS as bytes. */
  | { readonly kind: 'other'; readonly name: string; readonly options?: Uint8Array };

export interface TcClassPlace {
  /** Index of the link. */
  readonly link: number;
  /** The qdisc (`1:`) or the class above (`1:1`). */
  readonly parent: string;
  /** `1:10`. */
  readonly handle: string;
}

export type TcClassSpec = TcClassPlace & TcClassKind;
export type TcClass = TcClassPlace &
  TcClassKind & {
    /** The qdisc inside it, `none` if it has no other than the kernel's. */
    readonly leaf: string;
    readonly stats: TcStats;
  };

/** The message alone, for batches. */
export function classRequest(verb: TcVerb, spec: TcClassSpec): NetlinkMessage {
  const { link, parent, handle } = spec;
  const name = spec.kind === 'other' ? spec.name : spec.kind;
  return tcRequest({
    noun: 'class',
    verb,
    header: { link, parent: parseTcHandle(parent), handle: parseTcHandle(handle) },
    attributes: { kind: name, options: spec.kind === 'htb' ? htbClassToWire(spec.options) : spec.options },
    op: `${verb} class ${name} ${handle} below ${parent} of link ${link}`,
  });
}

/** Adds a class to a qdisc that has classes. */
export function createClass(netlink: Netlink<'route'>, spec: TcClassSpec): void {
  netlink.request(classRequest('create', spec));
}

/** Adds a class, or changes the one that is there. */
export function replaceClass(netlink: Netlink<'route'>, spec: TcClassSpec): void {
  netlink.request(classRequest('replace', spec));
}

/** False: there is no such class. EBUSY: it has classes below it, or filters send packets to it. */
export function deleteClass(netlink: Netlink<'route'>, { link, handle }: Omit<TcClassPlace, 'parent'>): boolean {
  const header = { link, handle: parseTcHandle(handle) };
  const op = `delete class ${handle} of link ${link}`;
  return deleteTc(netlink, { noun: 'class', header, attributes: {}, op });
}

export function listClasses(netlink: Netlink<'route'>, link: number): TcClass[] {
  return dumpTc(netlink, 'class', { link }).map(({ body }) => decodeClass(body));
}

/** The body of an RTM_NEWTCLASS. Throws DecodeError. */
export function decodeClass(body: Buffer): TcClass {
  const { header, attributes } = decodeTc(body);
  return {
    link: header.link,
    parent: formatTcHandle(header.parent),
    handle: formatTcHandle(header.handle),
    leaf: formatTcHandle(header.info),
    ...kindFromWire(attributes),
    stats: statsOf(attributes),
  };
}

function kindFromWire({ kind = '', options }: TcAttributes): TcClassKind {
  if (kind === 'htb' && options !== undefined && !(options instanceof Uint8Array))
    return { kind, options: htbClassFromWire(options as Parameters<typeof htbClassFromWire>[0]) };
  return { kind: 'other', name: kind, ...(options instanceof Uint8Array && { options }) };
}
