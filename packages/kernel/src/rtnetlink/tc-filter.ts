import { DecodeError, encodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { Netlink } from '../netlink/netlink.ts';
import type { NetlinkMessage } from '../netlink/netlink-message.ts';
import { actionsFromWire, actionsToWire, type TcActionSpec } from './tc-action.ts';
import { type bpf, ETHER_TYPES, type flower, type matchall, type u32Filter } from './tc-filter-table.ts';
import { formatTcHandle, parseTcHandle } from './tc-identifier.ts';
import { type EtherType, type FlowerMatch, flowerFromWire, flowerToWire, type U32Key } from './tc-match.ts';
import { decodeTc, deleteTc, dumpTc, type TcAttributes, type TcVerb, tcRequest } from './tc-table.ts';

/** What happens to packets that match. */
interface Consequence {
  /** The class they belong to, `1:10`. */
  readonly classId?: string;
  readonly actions?: readonly TcActionSpec[];
}

export type TcFilterKind =
  | ({ readonly kind: 'matchall' } & Consequence)
  | ({
      readonly kind: 'bpf';
      /** A program of type SCHED_CLS by its descriptor; to be given unless `classic` is, and not read back. */
      readonly fd?: number;
      /** A classic BPF program, struct sock_filter after struct sock_filter, instead of `fd`. */
      readonly classic?: Uint8Array;
      /** For tc's listing: `policy.o:[egress]`. */
      readonly name: string;
      /** The program's return value is the verdict; it needs no actions. */
      readonly directAction?: boolean;
      /** Read back only: the program's id. */
      readonly programId?: number;
    } & Consequence)
  | ({ readonly kind: 'u32'; readonly keys: readonly U32Key[]; readonly divisor?: number } & Consequence)
  | ({ readonly kind: 'flower'; readonly match: FlowerMatch } & Consequence)
  /** Every other, its TCA_OPTIONS as bytes. */
  | { readonly kind: 'other'; readonly name: string; readonly options?: Uint8Array };

export interface TcFilterPlace {
  /** Index of the link. */
  readonly link: number;
  /** A qdisc (`1:`), or `ingress` and `egress` of clsact. */
  readonly parent: string;
  /** Lower ones are asked first; 1 to 65535. Default on creation: the kernel chooses. */
  readonly priority?: number;
  /** Of the packets that are asked about; default `all`. */
  readonly etherType?: EtherType;
  /** The filter among those of its priority; default: the kernel chooses. */
  readonly handle?: number;
  readonly chain?: number;
}

export type TcFilterSpec = TcFilterPlace & TcFilterKind;
export type TcFilter = Required<TcFilterPlace> & TcFilterKind;

/** The message alone, for batches. */
export function filterRequest(verb: TcVerb, spec: TcFilterSpec): NetlinkMessage {
  const name = spec.kind === 'other' ? spec.name : spec.kind;
  const attributes = { kind: name, options: optionsToWire(spec), chain: spec.chain };
  return tcRequest({
    noun: 'filter',
    verb,
    header: headerOf(spec),
    attributes,
    op: `${verb} filter ${name} ${at(spec)}`,
  });
}

const at = ({ parent, link }: TcFilterPlace): string => `at ${parent} of link ${link}`;

function headerOf({ link, parent, priority = 0, etherType = 'all', handle = 0 }: TcFilterPlace) {
  const type = typeof etherType === 'number' ? etherType : ETHER_TYPES[etherType];
  const info = ((priority << 16) | swap16(type)) >>> 0;
  return { link, parent: parseTcHandle(parent), handle, info };
}

/** The protocol stands in network order in the lower half of a number in host order. */
const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >> 8) & 0xff);
const etherTypeNames = new Map<number, EtherType>(
  Object.entries(ETHER_TYPES).map(([name, number]) => [number, name as EtherType]),
);

/** Adds a filter. ENOENT: the kernel does not know the kind or an action; EINVAL: there is no qdisc at `parent`. */
export function createFilter(netlink: Netlink<'route'>, spec: TcFilterSpec): void {
  netlink.request(filterRequest('create', spec));
}

/** Adds a filter, or takes the place of the one with this priority and handle. */
export function replaceFilter(netlink: Netlink<'route'>, spec: TcFilterSpec): void {
  netlink.request(filterRequest('replace', spec));
}

/**
 * Takes filters away: those of the priority (of any `etherType` unless one is given), of them the one of the handle, or without
 * a priority all at `parent`; the kernel wants a priority with a handle or a kind. False: there is none, or no qdisc at `parent`;
 * without a priority the kernel says nothing of the filters, and the answer is whether there is a qdisc.
 */
export function deleteFilter(netlink: Netlink<'route'>, place: TcFilterPlace & { readonly kind?: string }): boolean {
  const { kind, chain, priority } = place;
  const header = headerOf({ ...place, etherType: priority === undefined ? 0 : (place.etherType ?? 0) });
  const attributes = { kind, chain };
  return deleteTc(netlink, { noun: 'filter', header, attributes, op: `delete filters ${at(place)}` });
}

/** The filters at one place, in the order they are asked; for u32 also its hash tables, which have a divisor. */
export function listFilters(netlink: Netlink<'route'>, { link, parent }: { link: number; parent: string }): TcFilter[] {
  const all = dumpTc(netlink, 'filter', { link, parent: parseTcHandle(parent) });
  return all.map(({ body }) => decodeFilter(body)).filter(({ handle }) => handle !== 0);
}

/** The body of an RTM_NEWTFILTER. Throws DecodeError. */
export function decodeFilter(body: Buffer): TcFilter {
  const { header, attributes } = decodeTc(body);
  const type = swap16(header.info);
  return {
    link: header.link,
    parent: formatTcHandle(header.parent),
    priority: header.info >>> 16,
    etherType: etherTypeNames.get(type) ?? type,
    handle: header.handle,
    chain: attributes.chain ?? 0,
    ...kindFromWire(attributes),
  };
}

function optionsToWire(spec: TcFilterSpec): TcAttributes['options'] {
  if (spec.kind === 'other') return spec.options;
  const { classId } = spec;
  const actions = spec.actions && actionsToWire(spec.actions);
  if (spec.kind === 'matchall') return { classId, actions };
  if (spec.kind === 'flower') return { classId, actions, ...flowerToWire(spec.match, spec.etherType ?? 'all') };
  if (spec.kind === 'u32') return { classId, actions, divisor: spec.divisor, selector: u32Selector(spec) };
  const { fd, classic: ops, name, directAction = false } = spec;
  if ((fd === undefined) === (ops === undefined)) throw encodeError('bpf filter: give one of fd and classic');
  const program = ops ? { ops, opsLength: ops.length / 8 } : { fd };
  return { classId, actions, ...program, name, ...(directAction && { flags: ['directAction'] as const }) };
}

const U32_TERMINAL = 1;

function u32Selector({ keys, classId, actions, divisor }: Extract<TcFilterSpec, { kind: 'u32' }>) {
  if (divisor !== undefined) return undefined;
  const flags = classId !== undefined || actions !== undefined ? U32_TERMINAL : 0;
  const rest = { offsetShift: 0, offsetMask: 0, baseOffset: 0, offsetAt: 0, hashOffset: 0, hashMask: 0 };
  return { flags, ...rest, keys: keys.map((key) => ({ ...key, offsetMask: 0 })) };
}

function kindFromWire({ kind = '', options }: TcAttributes): TcFilterKind {
  if (options === undefined) return { kind: 'other', name: kind };
  if (options instanceof Uint8Array) return { kind: 'other', name: kind, options };
  const { classId, actions } = options as AttributesOf<typeof matchall.rows>;
  const consequence = {
    ...(classId !== undefined && { classId }),
    ...(actions !== undefined && { actions: actionsFromWire(actions) }),
  };
  if (kind === 'matchall') return { kind, ...consequence };
  if (kind === 'flower')
    return { kind, match: flowerFromWire(options as AttributesOf<typeof flower.rows>), ...consequence };
  if (kind === 'u32') return { kind, ...u32FromWire(options as AttributesOf<typeof u32Filter.rows>), ...consequence };
  if (kind === 'bpf') return { kind, ...bpfFromWire(options as AttributesOf<typeof bpf.rows>), ...consequence };
  throw new DecodeError(`options of filter ${kind}`);
}

function u32FromWire({ selector, divisor }: AttributesOf<typeof u32Filter.rows>) {
  const keys = (selector?.keys ?? []).map(({ offset, value, mask }) => ({ offset, value, mask }));
  return { keys, ...(divisor !== undefined && { divisor }) };
}

function bpfFromWire({ name = '', flags = [], id, ops }: AttributesOf<typeof bpf.rows>) {
  return {
    name,
    directAction: flags.includes('directAction'),
    ...(id !== undefined && { programId: id }),
    ...(ops !== undefined && { classic: ops }),
  };
}
