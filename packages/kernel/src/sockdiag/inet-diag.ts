import { type Family, familyOf, formatIp, type IpAddress, ipBytes } from '@podwire/base';
import { DecodeError, isErrno } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { attributesAfter, encodeBody, type NetlinkMessage } from '../netlink/netlink-message.ts';
import {
  inetDiagAttributes,
  inetDiagMessage,
  inetDiagRequest,
  inetDiagRequestAttributes,
  SOCK_DESTROY,
  SOCK_DIAG_BY_FAMILY,
  TCP_STATES,
  type TcpInfo,
} from './inet-diag-table.ts';

/** The TCP and UDP sockets of a netns; sock_diag(7), ss(8). Every function wants a socket of the protocol `sock-diag`. */

export type SocketProtocol = keyof typeof PROTOCOLS;
export type SocketState = keyof typeof TCP_STATES;

const PROTOCOLS = { tcp: 6, udp: 17 } as const;
const FAMILIES = { ipv4: 2, ipv6: 10 } as const;

/** Both ends of a socket; a listener's or unconnected socket's remote end is the unspecified address and port 0. */
export interface SocketTuple {
  readonly protocol: SocketProtocol;
  readonly local: { readonly address: IpAddress; readonly port: number };
  readonly remote: { readonly address: IpAddress; readonly port: number };
}

export interface SocketKey extends SocketTuple {
  /** Tells sockets of the same tuple apart, and a new one from an old; left out, any of the tuple is meant. */
  readonly cookie?: bigint;
  /** Index of the link it is bound to; 0: none. */
  readonly link?: number;
}

/** One socket, as far as asked for and told. */
export interface SocketInfo extends Required<SocketKey> {
  readonly family: Family;
  readonly state: SocketState | number;
  /** Bytes that wait for the program and for the peer; of a listener: connections that wait, and how many may. */
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly uid: number;
  /** As in /proc/PID/fd: `socket:[12345]`; 0 for those no program has any more. */
  readonly inode: number;
  readonly mark?: number;
  /** Of cgroup2, which is the inode of its directory. */
  readonly cgroupId?: bigint;
  readonly congestion?: string;
  readonly memory?: {
    readonly receive: number;
    readonly sendQueued: number;
    readonly forward: number;
    readonly send: number;
  };
  readonly tcpInfo?: TcpInfo;
}

export interface SocketListOptions {
  readonly protocol: SocketProtocol;
  /** Default: both. An IPv6 socket that carries IPv4 is listed with `::ffff:` addresses. */
  readonly family?: Family;
  /** Default: all. */
  readonly states?: readonly SocketState[];
  /** Also memory, congestion control and tcp_info; default false, which is faster. */
  readonly details?: boolean;
}

/** INET_DIAG_MEMINFO, INFO and CONG. */
const DETAILS = (1 << 0) | (1 << 1) | (1 << 3);
const ALL_STATES = 0xffffffff;
const NO_COOKIE = 0xffffffffffffffffn;
const NO_ADDRESS = Buffer.alloc(16);
const ANYONE = {
  sourcePort: 0,
  destinationPort: 0,
  source: NO_ADDRESS,
  destination: NO_ADDRESS,
  link: 0,
  cookie: NO_COOKIE,
};

/** ENOENT: this kernel has no INET_DIAG for the protocol. */
export function listSockets(netlink: Netlink<'sock-diag'>, options: SocketListOptions): SocketInfo[] {
  const { protocol, family, states, details = false } = options;
  const mask = states ? states.reduce((all, state) => (all | (1 << TCP_STATES[state])) >>> 0, 0) : ALL_STATES;
  const families = family ? [family] : (['ipv4', 'ipv6'] as const);
  return families.flatMap((one) => {
    const fields = {
      ...ANYONE,
      family: FAMILIES[one],
      protocol: PROTOCOLS[protocol],
      extensions: details ? DETAILS : 0,
      states: mask,
    };
    const answers = netlink.dump(message(SOCK_DIAG_BY_FAMILY, fields, `list ${protocol} sockets of ${one}`));
    return answers.map(({ body }) => decodeSocket(body, protocol));
  });
}

/** The socket with exactly these ends, in any state and with all details; undefined: there is none. */
export function getSocket(netlink: Netlink<'sock-diag'>, key: SocketKey): SocketInfo | undefined {
  const fields = { ...keyToWire(asLookedUp(key)), extensions: DETAILS, states: ALL_STATES };
  try {
    const [answer] = netlink.request(message(SOCK_DIAG_BY_FAMILY, fields, `get socket ${nameOf(key)}`));
    const found = answer && decodeSocket(answer.body, key.protocol);
    return found && hasEnds(found, key) ? found : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESTALE')) return undefined;
    throw error;
  }
}

/** The kernel looks up as for a packet that arrives: without a connection it finds the listener, or the unconnected socket. */
function hasEnds(found: SocketTuple, { local, remote }: SocketTuple): boolean {
  const same = (a: SocketTuple['local'], b: SocketTuple['local']) => a.address === b.address && a.port === b.port;
  return same(found.local, local) && same(found.remote, remote);
}

/**
 * Closes a socket from outside (Linux 4.5, CONFIG_INET_DIAG_DESTROY): its program sees ECONNABORTED, the peer of a TCP
 * connection a reset. Only the socket with exactly these ends: the listener of a connection that is no more stays. False:
 * there is no such socket. EOPNOTSUPP: this kernel cannot.
 */
export function destroySocket(netlink: Netlink<'sock-diag'>, key: SocketKey): boolean {
  const found = getSocket(netlink, key);
  if (found === undefined) return false;
  const fields = { ...keyToWire({ ...key, cookie: found.cookie }), extensions: 0, states: ALL_STATES };
  try {
    netlink.request(message(SOCK_DESTROY, fields, `destroy socket ${nameOf(key)}`));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESTALE')) return false;
    throw error;
  }
}

type RequestFields = Parameters<typeof inetDiagRequest.write>[1];

function message(type: number, fields: RequestFields, op: string): NetlinkMessage {
  const body = encodeBody(inetDiagRequest, fields, inetDiagRequestAttributes, {});
  return { type, flags: 0, body, op, protocol: 'sock-diag' };
}

/** To get (not to destroy) a UDP socket the kernel wants the ends as in a packet that arrives: udp_dump_one of net/ipv4/udp_diag.c. */
function asLookedUp(key: SocketKey): SocketKey {
  return key.protocol === 'udp' ? { ...key, local: key.remote, remote: key.local } : key;
}

function keyToWire({ protocol, local, remote, cookie = NO_COOKIE, link = 0 }: SocketKey) {
  return {
    family: FAMILIES[familyOf(local.address)],
    protocol: PROTOCOLS[protocol],
    sourcePort: local.port,
    destinationPort: remote.port,
    source: padded(local.address),
    destination: padded(remote.address),
    link,
    cookie,
  };
}

function padded(address: IpAddress): Buffer {
  return Buffer.concat([ipBytes(address), NO_ADDRESS], 16);
}

function nameOf({ protocol, local, remote }: SocketKey): string {
  return `${protocol} ${local.address} port ${local.port} to ${remote.address} port ${remote.port}`;
}

/** The body of an answer: struct inet_diag_msg and attributes. Throws DecodeError. */
export function decodeSocket(body: Buffer, protocol: SocketProtocol): SocketInfo {
  const fixed = inetDiagMessage.read(body);
  const attributes = inetDiagAttributes.read(attributesAfter(body, inetDiagMessage.size));
  const size = { [FAMILIES.ipv4]: 4, [FAMILIES.ipv6]: 16 }[fixed.family];
  if (size === undefined) throw new DecodeError(`a socket of address family ${fixed.family}`);
  const address = (bytes: Uint8Array) => formatIp(bytes.subarray(0, size));
  return {
    protocol,
    family: size === 4 ? 'ipv4' : 'ipv6',
    local: { address: address(fixed.source), port: fixed.sourcePort },
    remote: { address: address(fixed.destination), port: fixed.destinationPort },
    link: fixed.link,
    cookie: fixed.cookie,
    state: fixed.state,
    receiveQueue: fixed.receiveQueue,
    sendQueue: fixed.sendQueue,
    uid: fixed.uid,
    inode: fixed.inode,
    ...optionalParts(attributes),
  };
}

function optionalParts({ mark, cgroupId, congestion, memory, tcpInfo }: AttributesOf<typeof inetDiagAttributes.rows>) {
  return {
    ...(mark !== undefined && { mark }),
    ...(cgroupId !== undefined && { cgroupId }),
    ...(congestion !== undefined && { congestion }),
    ...(memory !== undefined && { memory }),
    ...(tcpInfo !== undefined && { tcpInfo }),
  };
}
