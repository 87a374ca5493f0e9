import { familyOf, type IpAddress, tryParseIp } from '@podwire/base';
import { attributesAfter, encodeBody, NLM_F } from '@podwire/kernel';
import {
  type NEIGHBOUR_FLAGS,
  type NEIGHBOUR_STATES,
  ndmsg,
  neighbourAttributes,
  RTM,
} from '@podwire/kernel/rtnetlink';
import { additionOf, applyBatch, type ItemResult, type Noun, removeItem } from './noun.ts';
import { badValue, defined, encodeFor, type RouteSocket, wordOf } from './rtnetlink.ts';

export type NeighbourState = keyof typeof NEIGHBOUR_STATES;

/** Who has an IP address on a link; ip-neighbour(8). Entries that resolve nothing (NUD_NOARP) are not shown. */
export interface Neighbour {
  readonly link: string;
  readonly address: IpAddress;
  /** Absent in proxy entries and unresolved ones. */
  readonly mac?: string;
  /** Default permanent, which managed entries cannot be. */
  readonly state?: NeighbourState;
  /** This machine answers for the address on the link. */
  readonly proxy?: boolean;
  /** IPv6: the neighbour is a router. */
  readonly router?: boolean;
  /** Kept by a daemon: the kernel does not age it. */
  readonly externLearn?: boolean;
  /** The kernel keeps it resolved; Linux 5.16. */
  readonly managed?: boolean;
  /** Who made it (NDA_PROTOCOL). */
  readonly protocol?: number;
}

const textOf = ({ address, link }: Neighbour): string => `neighbour ${address} dev ${link}`;

function encodeNeighbour(neighbour: Neighbour, index: number): Buffer {
  const { address, mac, state = 'permanent', protocol, managed } = neighbour;
  if (tryParseIp(address) === undefined) throw badValue(textOf(neighbour), `"${address}" is not an IP address`);
  const flags = (['proxy', 'router', 'externLearn'] as const).filter((flag) => neighbour[flag]);
  const header = { family: familyOf(address), index, state: [state], flags };
  return encodeFor(textOf(neighbour), () =>
    encodeBody(ndmsg, header, neighbourAttributes, {
      destination: address,
      mac,
      protocol,
      extFlags: managed ? ['managed'] : undefined,
    }),
  );
}

/** Reads one RTM_NEWNEIGH or RTM_DELNEIGH message of an IP family; undefined for others and for NUD_NOARP. */
export function decodeNeighbour(body: Buffer, names: ReadonlyMap<number, string>): Neighbour | undefined {
  const { family, index, state, flags } = ndmsg.read(body);
  const resolvesNothing = state.length === 1 && state[0] === 'noarp';
  if ((family !== 'ipv4' && family !== 'ipv6') || resolvesNothing) return undefined;
  const a = neighbourAttributes.read(attributesAfter(body, ndmsg.size));
  const link = names.get(index);
  if (link === undefined || a.destination === undefined) return undefined;
  const has = (flag: keyof typeof NEIGHBOUR_FLAGS) => flags.includes(flag) || undefined;
  return defined({
    link,
    address: a.destination,
    mac: a.mac,
    state: wordOf(state[0]),
    proxy: has('proxy'),
    router: has('router'),
    externLearn: has('externLearn'),
    managed: a.extFlags?.includes('managed') || undefined,
    protocol: a.protocol || undefined,
  }) as Neighbour;
}

/** All neighbour and proxy entries, or those of one link (NET_NO_LINK if it does not exist). */
export function readNeighbours(socket: RouteSocket, link?: string): Neighbour[] {
  const index = link === undefined ? undefined : socket.indexOf(link);
  const names = index === undefined || link === undefined ? socket.names() : new Map([[index, link]]);
  const requests = (['ipv4', 'ipv6'] as const).flatMap((family) => [
    encodeBody(ndmsg, { family }, neighbourAttributes, { viaIndex: index }),
    encodeBody(ndmsg, { family, flags: ['proxy'] }, neighbourAttributes, {}),
  ]);
  return requests.flatMap((body) =>
    socket.netlink
      .dump({ type: RTM.GETNEIGH, flags: 0, body, op: 'list neighbours' })
      .flatMap((answer) => decodeNeighbour(answer.body, names) ?? []),
  );
}

function noun(socket: RouteSocket): Noun<'neighbour', Neighbour> {
  return {
    key: 'neighbour',
    text: textOf,
    addition: (neighbour) => ({
      type: RTM.NEWNEIGH,
      flags: NLM_F.CREATE | NLM_F.REPLACE,
      body: encodeNeighbour(neighbour, socket.indexOf(neighbour.link)),
    }),
    removal: ({ link, address, proxy }) => ({
      type: RTM.DELNEIGH,
      flags: 0,
      body: encodeNeighbour(defined({ link, address, proxy }) as Neighbour, socket.indexOf(link)),
    }),
    gone: ['ENOENT'],
  };
}

/** Adds the entry or overwrites the one of its link and address. */
export function replaceNeighbour(socket: RouteSocket, neighbour: Neighbour): void {
  socket.netlink.request(additionOf(noun(socket), neighbour));
}

/** Removes the entry; false if there is none. */
export function deleteNeighbour(socket: RouteSocket, neighbour: Neighbour): boolean {
  return removeItem(socket, noun(socket), neighbour);
}

export type NeighbourResult = ItemResult<'neighbour', Neighbour>;

/** Writes additions, then removals, in few system calls; one result each. Throws NET_NO_LINK, NET_BAD_VALUE. */
export function applyNeighbours(
  socket: RouteSocket,
  changes: { readonly add: readonly Neighbour[]; readonly remove: readonly Neighbour[] },
): NeighbourResult[] {
  return applyBatch(socket, changes, noun);
}
