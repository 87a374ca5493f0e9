import { familyOf, type IpAddress } from '@podwire/base';
import { encodeBody, isErrno } from '@podwire/kernel';
import { RTM, routeAttributes, rtmsg } from '@podwire/kernel/rtnetlink';
import type { Route } from './route.ts';
import { decodeRoute } from './route-decoding.ts';
import { encodeFor, type RouteSocket } from './rtnetlink.ts';

/** A packet that is to be routed; `ip route get`. */
export interface RouteQuery {
  readonly destination: IpAddress;
  readonly source?: IpAddress;
  /** The link it came in by; absent: it is sent from here. IPv4 packets from elsewhere need a `source`. */
  readonly inLink?: string;
  /** The link its socket is bound to. */
  readonly outLink?: string;
  readonly mark?: number;
  readonly uid?: number;
  readonly tos?: number;
  /** 6 TCP, 17 UDP; with ports for rules that ask for them. */
  readonly ipProtocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/**
 * How the kernel would route the packet now: by which link, next hop and table, with which source address, after rules
 * and next hop selection. undefined: it would not (no route, unreachable, prohibit). Throws NET_NO_LINK, KernelError.
 */
export function lookupRoute(socket: RouteSocket, query: RouteQuery): Route | undefined {
  const { destination, source, mark, uid, ipProtocol, sourcePort, destinationPort } = query;
  const object = `packet to ${destination}`;
  const body = encodeFor(object, () => {
    const family = familyOf(destination);
    const bits = family === 'ipv4' ? 32 : 128;
    const sourceLength = source === undefined ? 0 : bits;
    const lengths = { family, destinationLength: bits, sourceLength, tos: query.tos ?? 0 };
    const indexOf = (link: string | undefined) => (link === undefined ? undefined : socket.indexOf(link));
    const links = { inIndex: indexOf(query.inLink), outIndex: indexOf(query.outLink) };
    const rest = { mark, uid, ipProtocol, sourcePort, destinationPort };
    const values = { destination, from: source, ...links, ...rest };
    // IPv6 tells the table unasked
    const flags = family === 'ipv4' ? (['lookupTable'] as const) : [];
    return encodeBody(rtmsg, { ...lengths, flags }, routeAttributes, values);
  });
  try {
    const [answer] = socket.netlink.request({ type: RTM.GETROUTE, flags: 0, body, op: `route ${object}` });
    return answer && decodeRoute(answer.body, socket.names(), 'cloned');
  } catch (error) {
    if (isErrno(error, 'ENETUNREACH', 'EHOSTUNREACH', 'EACCES')) return undefined;
    throw error;
  }
}
