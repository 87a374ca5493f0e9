import { type Family, familyOf } from '@podwire/base';
import { encodeError, isErrno, type KernelError } from '../errors.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { encodeBody, type NetlinkMessage, NLM_F } from '../netlink/netlink-message.ts';
import {
  type Connection,
  type ConnectionAttributes,
  type ConnectionKey,
  type ConnectionLabels,
  type ConnectionSpec,
  type ConnectionStatus,
  decodeConnection,
  encodeKey,
  encodeLabels,
  encodeSpec,
  keyTuple,
} from './conntrack-entry.ts';
import { type ConnectionFilter, encodeFilter, filterFamily, matchesFilter } from './conntrack-filter.ts';
import { CONNTRACK_MSG, connectionAttributes } from './conntrack-table.ts';
import { type ConnectionProtocol, type ConnectionTuple, formatTuple } from './conntrack-tuple.ts';
import { IP_FAMILIES, NFNL_SUBSYS, NFPROTO, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

/**
 * The tracked connections of a netns by ctnetlink; conntrack(8), net/netfilter/nf_conntrack_netlink.c. Every function
 * wants a socket of the protocol `netfilter`. A namespace tracks only once a rule needs it (`ct`, nat).
 */

const MESSAGE = {
  new: nfnetlinkType(NFNL_SUBSYS.CONNTRACK, CONNTRACK_MSG.NEW),
  get: nfnetlinkType(NFNL_SUBSYS.CONNTRACK, CONNTRACK_MSG.GET),
  delete: nfnetlinkType(NFNL_SUBSYS.CONNTRACK, CONNTRACK_MSG.DELETE),
} as const;

/** All connections that fit. What the kernel can filter by, it filters; the rest is left out here. */
export function listConnections(netlink: Netlink, filter: ConnectionFilter = {}): Connection[] {
  const values = encodeFilter(filter);
  const one = filterFamily(filter);
  // to look at tuples the kernel wants to know the family
  const families = one === undefined && values.filter ? (['ipv4', 'ipv6'] as const) : [one];
  const connections = families.flatMap((family) => {
    const body = encodeBody(nfgenmsg, { family: family ? IP_FAMILIES[family] : 0 }, connectionAttributes, values);
    const answers = netlink.dump({ type: MESSAGE.get, flags: 0, body, op: 'list tracked connections' });
    return answers.map((answer) => decodeConnection(answer.body));
  });
  return Object.keys(filter).length === 0 ? connections : connections.filter((each) => matchesFilter(each, filter));
}

/** Undefined: there is none, or it is another one than `id` says. */
export function getConnection(netlink: Netlink, key: ConnectionKey): Connection | undefined {
  try {
    const [answer] = netlink.request(message(MESSAGE.get, 0, request(key, encodeKey(key), 'get')));
    const found = answer && decodeConnection(answer.body);
    return found && (key.id === undefined || key.id === found.id) ? found : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** EEXIST: one of its tuples is taken. EINVAL: TCP without `tcp.state`, or a tuple without what its protocol needs. */
export function createConnection(netlink: Netlink, spec: ConnectionSpec): void {
  netlink.request(message(MESSAGE.new, NLM_F.CREATE | NLM_F.EXCL, request(spec, encodeSpec(spec), 'create')));
}

/** As createConnection, for many; one result each, in order: undefined is success. */
export function createConnections(netlink: Netlink, specs: readonly ConnectionSpec[]): (KernelError | undefined)[] {
  return sendAll(netlink, specs, {
    type: MESSAGE.new,
    flags: NLM_F.CREATE | NLM_F.EXCL,
    encode: (spec) => request(spec, encodeSpec(spec), 'create'),
  });
}

/** What is left out stays as it is. */
export interface ConnectionChange {
  /** Seconds from now on. */
  readonly timeout?: number;
  /** The bits of `markMask` (default: all) become these. */
  readonly mark?: number;
  readonly markMask?: number;
  /**
   * All that it shall have, so add to what it has: `[...connection.status, 'fixed-timeout']`. EBUSY: `seen-reply` and
   * `assured` cannot be taken away, nor `expected`, `confirmed` and `dying` changed. What NAT has set stays, whatever is said.
   */
  readonly status?: ConnectionStatus;
  /** Of the labels in `labelsMask` (default: all 128) these are set. ENOSPC: no rule of the namespace uses labels. */
  readonly labels?: ConnectionLabels;
  readonly labelsMask?: ConnectionLabels;
  readonly tcp?: Connection['tcp'];
  readonly sctp?: Connection['sctp'];
}

/** ENOENT: there is no such connection. `id` of the key is not looked at. */
export function updateConnection(netlink: Netlink, key: ConnectionKey, change: ConnectionChange): void {
  const values = { ...encodeKey(key), ...encodeChange(change) };
  netlink.request(message(MESSAGE.new, 0, request(key, values, 'update')));
}

function encodeChange(change: ConnectionChange): ConnectionAttributes {
  const { timeout, mark, markMask, status, labels, labelsMask, tcp, sctp } = change;
  if (markMask !== undefined && mark === undefined) throw encodeError('a mask without a mark').within('markMask');
  if (labelsMask && !labels) throw encodeError('a mask without labels').within('labelsMask');
  return {
    timeout,
    mark,
    markMask,
    status,
    ...(labels && { labels: encodeLabels(labels) }),
    ...(labelsMask && { labelsMask: encodeLabels(labelsMask) }),
    ...((tcp ?? sctp) && { protocolInfo: { tcp, sctp } }),
  };
}

/** Forgets a connection; its next packet begins a new one. False: there is none, or it is another one than `id` says. */
export function deleteConnection(netlink: Netlink, key: ConnectionKey): boolean {
  return deleteConnections(netlink, [key]) === 1;
}

/** As deleteConnection, for many; returns how many there were. Throws the first KernelError after having tried all. */
export function deleteConnections(netlink: Netlink, keys: readonly ConnectionKey[]): number {
  const results = sendAll(netlink, keys, {
    type: MESSAGE.delete,
    flags: 0,
    encode: (key) => request(key, { ...encodeKey(key), id: key.id }, 'delete'),
  });
  const refusal = results.find((error) => error && !isErrno(error, 'ENOENT'));
  if (refusal) throw refusal;
  return results.filter((error) => !error).length;
}

/** Which connections are flushed; with nothing said, all. */
export interface FlushFilter {
  readonly family?: Family;
  /** The bits of `markMask` (default: all) have to be these. */
  readonly mark?: number;
  readonly markMask?: number;
}

/** Forgets all connections that fit, inside the kernel; family since Linux 5.3. For more, list and delete. */
export function flushConnections(netlink: Netlink, { family, mark, markMask }: FlushFilter = {}): void {
  if (markMask !== undefined && mark === undefined) throw encodeError('a mask without a mark').within('markMask');
  // before there was a filter, the family was not looked at and often wrong: a version says that it is meant
  const header = { family: family ? IP_FAMILIES[family] : NFPROTO.unspec, version: family ? 1 : 0 };
  const body = encodeBody(nfgenmsg, header, connectionAttributes, { mark, markMask });
  netlink.request({ type: MESSAGE.delete, flags: 0, body, op: 'flush tracked connections' });
}

/** A message about one connection. */
interface Request {
  readonly family: Family;
  readonly values: ConnectionAttributes;
  readonly op: () => string;
}

function request(
  key: { readonly protocol: ConnectionProtocol; readonly original?: ConnectionTuple; readonly reply?: ConnectionTuple },
  values: ConnectionAttributes,
  verb: string,
): Request {
  const tuple = keyTuple(key);
  const family = tuple.source === undefined ? 'ipv4' : familyOf(tuple.source);
  return { family, values, op: () => `${verb} connection ${formatTuple(tuple, key.protocol)}` };
}

function message(type: number, flags: number, { family, values, op }: Request): NetlinkMessage {
  const body = encodeBody(nfgenmsg, { family: IP_FAMILIES[family] }, connectionAttributes, values);
  return { type, flags, body, op: op() };
}

interface ManyRequests<T> {
  readonly type: number;
  readonly flags: number;
  readonly encode: (item: T) => Request;
}

function sendAll<T>(netlink: Netlink, items: readonly T[], { type, flags, encode }: ManyRequests<T>) {
  return netlink.batchEncoded({
    type,
    flags,
    count: items.length,
    write(out, index) {
      const { family, values } = encode(items[index] as T);
      nfgenmsg.write(out, { family: IP_FAMILIES[family] });
      connectionAttributes.write(out, values);
    },
    op: (index) => encode(items[index] as T).op(),
  });
}
