import { encodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { Netlink } from '../netlink/netlink.ts';
import type { NetlinkMessage } from '../netlink/netlink-message.ts';
import { formatTcHandle, parseTcHandle } from './tc-identifier.ts';
import { type NetemOptions, netemFromWire, netemToWire } from './tc-netem.ts';
import type { fq, fqCodel } from './tc-qdisc-table.ts';
import { type HtbOptions, htbFromWire, htbToWire, type TbfOptions, tbfFromWire, tbfToWire } from './tc-shaper.ts';
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

export interface FifoOptions {
  /** Packets (pfifo) or bytes (bfifo) that may wait. */
  readonly limit: number;
}
export interface PrioOptions {
  readonly bands: number;
  /** The band of each of the 16 packet priorities. */
  readonly priomap: readonly number[];
}
export type FqCodelOptions = AttributesOf<typeof fqCodel.rows>;
export type FqOptions = AttributesOf<typeof fq.rows>;

/** The qdiscs podwire knows, and how they are set. */
export type QdiscKind =
  | { readonly kind: 'noqueue' | 'mq' | 'ingress' | 'clsact' }
  | { readonly kind: 'pfifo' | 'bfifo'; readonly options?: FifoOptions }
  | { readonly kind: 'prio'; readonly options?: PrioOptions }
  | { readonly kind: 'tbf'; readonly options: TbfOptions }
  | { readonly kind: 'htb'; readonly options?: HtbOptions }
  | { readonly kind: 'fq_codel'; readonly options?: FqCodelOptions }
  | { readonly kind: 'fq'; readonly options?: FqOptions }
  | { readonly kind: 'netem'; readonly options?: NetemOptions }
  /** Every other, its TCA_OPTIONS as bytes. */
  | { readonly kind: 'other'; readonly name: string; readonly options?: Uint8Array };

export interface QdiscPlace {
  /** Index of the link. */
  readonly link: number;
  /** `root`, a class (`1:10`), or `clsact` for the qdiscs ingress and clsact, which is their default; else `root`. */
  readonly parent?: string;
  /** `1:`; default: the kernel chooses. */
  readonly handle?: string;
}

export type QdiscSpec = QdiscPlace & QdiscKind;
export type Qdisc = Required<QdiscPlace> & QdiscKind & { readonly stats: TcStats };

/** The message alone, for batches. */
export function qdiscRequest(verb: TcVerb, qdisc: QdiscSpec): NetlinkMessage {
  const hook = qdisc.kind === 'ingress' || qdisc.kind === 'clsact';
  const { link, parent = hook ? 'clsact' : 'root', handle = hook ? 'ffff:' : 'none' } = qdisc;
  const name = qdisc.kind === 'other' ? qdisc.name : qdisc.kind;
  return tcRequest({
    noun: 'qdisc',
    verb,
    header: { link, parent: parseTcHandle(parent), handle: parseTcHandle(handle) },
    attributes: { kind: name, options: optionsToWire(qdisc) },
    op: `${verb} qdisc ${name}${handle === 'none' ? '' : ` ${handle}`} at ${parent} of link ${link}`,
  });
}

/** Adds a qdisc. EEXIST: there is another already; ENOENT: the kernel does not know the kind. */
export function createQdisc(netlink: Netlink<'route'>, qdisc: QdiscSpec): void {
  netlink.request(qdiscRequest('create', qdisc));
}

/** Adds a qdisc in the place of what is there. */
export function replaceQdisc(netlink: Netlink<'route'>, qdisc: QdiscSpec): void {
  netlink.request(qdiscRequest('replace', qdisc));
}

/** Takes the qdisc away that sits at `parent` (default `root`), with its classes and filters; false when there is none. */
export function deleteQdisc(
  netlink: Netlink<'route'>,
  { link, parent = 'root', handle = 'none' }: QdiscPlace,
): boolean {
  const header = { link, parent: parseTcHandle(parent), handle: parseTcHandle(handle) };
  const op = `delete qdisc${handle === 'none' ? '' : ` ${handle}`} at ${parent} of link ${link}`;
  return deleteTc(netlink, { noun: 'qdisc', header, attributes: {}, op });
}

/** The qdiscs of a link, or of all; also the one that the kernel gave a link that is up, whose handle is `none`. */
export function listQdiscs(netlink: Netlink<'route'>, link?: number): Qdisc[] {
  const all = dumpTc(netlink, 'qdisc', link === undefined ? {} : { link }).map(({ body }) => decodeQdisc(body));
  return link === undefined ? all : all.filter((qdisc) => qdisc.link === link);
}

/** The body of an RTM_NEWQDISC. Throws DecodeError. */
export function decodeQdisc(body: Buffer): Qdisc {
  const { header, attributes } = decodeTc(body);
  return {
    link: header.link,
    parent: formatTcHandle(header.parent),
    handle: formatTcHandle(header.handle),
    ...kindFromWire(attributes),
    stats: statsOf(attributes),
  };
}

function optionsToWire(qdisc: QdiscSpec): TcAttributes['options'] {
  switch (qdisc.kind) {
    case 'noqueue':
    case 'mq':
      return undefined;
    case 'ingress':
    case 'clsact':
      return {};
    case 'tbf':
      return tbfToWire(qdisc.options);
    case 'htb':
      return htbToWire(qdisc.options ?? {});
    case 'netem':
      return netemToWire(qdisc.options ?? {});
    case 'prio':
      return qdisc.options && checkedPrio(qdisc.options);
    default:
      return qdisc.options;
  }
}

function checkedPrio(options: PrioOptions): PrioOptions {
  const wrong = options.priomap.find((band) => band >= options.bands);
  if (wrong !== undefined) throw encodeError(`priomap: band ${wrong} of ${options.bands}`);
  return options;
}

/** Kinds whose options stand as they are on the wire. */
const PLAIN = new Set(['pfifo', 'bfifo', 'prio', 'fq_codel', 'fq']);

function kindFromWire({ kind = '', options }: TcAttributes): QdiscKind {
  if (kind === 'noqueue' || kind === 'mq' || kind === 'ingress' || kind === 'clsact') return { kind };
  if (options === undefined && (PLAIN.has(kind) || kind === 'htb' || kind === 'netem')) return { kind } as QdiscKind;
  if (options === undefined) return { kind: 'other', name: kind };
  if (options instanceof Uint8Array) return { kind: 'other', name: kind, options };
  if (kind === 'tbf') return { kind, options: tbfFromWire(options as Parameters<typeof tbfFromWire>[0]) };
  if (kind === 'htb') return { kind, options: htbFromWire(options as Parameters<typeof htbFromWire>[0]) };
  if (kind === 'netem') return { kind, options: netemFromWire(options as Parameters<typeof netemFromWire>[0]) };
  return { kind, options } as QdiscKind;
}
