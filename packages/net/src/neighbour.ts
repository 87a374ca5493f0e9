import { familyOf, type IpAddress } from '@podwire/base';
import { attributes, attributesAfter, codec, encodeBody, isErrno, NLM_F } from '@podwire/kernel';
import { AF, defined, nameOf, ndmsg, type RouteSocket, RTM } from './rtnetlink.ts';

const { ip, mac, u16be, u32 } = codec;

/** NUD_* of linux/neighbour.h; ip-neighbour(8). */
export const NEIGHBOUR_STATES = {
  incomplete: 1,
  reachable: 2,
  stale: 4,
  delay: 8,
  probe: 16,
  failed: 32,
  noarp: 64,
  permanent: 128,
} as const;
export type NeighbourState = keyof typeof NEIGHBOUR_STATES;

export const NTF = { SELF: 2, MASTER: 4, PROXY: 8 } as const;

/** Who has an IP address on a link. Entries that resolve nothing (NUD_NOARP) are not shown. */
export interface Neighbour {
  readonly link: string;
  readonly address: IpAddress;
  /** Absent in proxy entries and unresolved ones. */
  readonly mac?: string;
  /** Default permanent. */
  readonly state?: NeighbourState;
  /** This machine answers for the address on the link. */
  readonly proxy?: boolean;
}

/** Attributes of ndmsg messages, linux/neighbour.h. */
export const neighbourAttributes = attributes('neighbour', {
  destination: [1, ip], // NDA_DST
  mac: [2, mac], // NDA_LLADDR
  port: [6, u16be], // NDA_PORT
  vni: [7, u32], // NDA_VNI
  index: [8, u32], // NDA_IFINDEX
  master: [9, u32], // NDA_MASTER
});

function encodeNeighbour(neighbour: Neighbour, index: number): Buffer {
  const { address, state = 'permanent', proxy } = neighbour;
  const header = {
    family: familyOf(address) === 'ipv4' ? AF.INET : AF.INET6,
    index,
    state: NEIGHBOUR_STATES[state],
    flags: proxy ? NTF.PROXY : 0,
  };
  return encodeBody(ndmsg, header, neighbourAttributes, { destination: address, mac: neighbour.mac });
}

/** Reads one RTM_NEWNEIGH message of an IP family; undefined for others and for NUD_NOARP. */
export function decodeNeighbour(body: Buffer, names: ReadonlyMap<number, string>): Neighbour | undefined {
  const { family, index, state, flags } = ndmsg.read(body);
  if ((family !== AF.INET && family !== AF.INET6) || state === NEIGHBOUR_STATES.noarp) return undefined;
  const { destination, mac: address } = neighbourAttributes.read(attributesAfter(body, ndmsg.size));
  const link = names.get(index);
  if (link === undefined || destination === undefined) return undefined;
  const proxy = flags & NTF.PROXY ? true : undefined;
  return defined({
    link,
    address: destination,
    mac: address,
    state: nameOf(NEIGHBOUR_STATES, state),
    proxy,
  }) as Neighbour;
}

/** All neighbour and proxy entries, or those of one link (NET_NO_LINK if it does not exist). */
export function readNeighbours(socket: RouteSocket, link?: string): Neighbour[] {
  const index = link === undefined ? undefined : socket.indexOf(link);
  const names = index === undefined || link === undefined ? socket.names() : new Map([[index, link]]);
  const requests = [AF.INET, AF.INET6].flatMap((family) => [
    encodeBody(ndmsg, { family }, neighbourAttributes, { index }),
    encodeBody(ndmsg, { family, flags: NTF.PROXY }, neighbourAttributes, {}),
  ]);
  return requests.flatMap((body) =>
    socket.netlink
      .dump({ type: RTM.GETNEIGH, flags: 0, body, op: 'list neighbours' })
      .flatMap((answer) => decodeNeighbour(answer.body, names) ?? []),
  );
}

/** Adds the entry or overwrites the one of its link and address. */
export function replaceNeighbour(socket: RouteSocket, neighbour: Neighbour): void {
  const body = encodeNeighbour(neighbour, socket.indexOf(neighbour.link));
  const op = `replace neighbour ${neighbour.address} on ${neighbour.link}`;
  socket.netlink.request({ type: RTM.NEWNEIGH, flags: NLM_F.CREATE | NLM_F.REPLACE, body, op });
}

/** Removes the entry; false if there is none. */
export function deleteNeighbour(socket: RouteSocket, neighbour: Neighbour): boolean {
  const { link, address, proxy } = neighbour;
  const body = encodeNeighbour(defined({ link, address, proxy }) as Neighbour, socket.indexOf(link));
  try {
    socket.netlink.request({ type: RTM.DELNEIGH, flags: 0, body, op: `delete neighbour ${address} on ${link}` });
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
