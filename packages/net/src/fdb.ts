import type { IpAddress } from '@podwire/base';
import { attributesAfter, encodeBody, NLM_F } from '@podwire/kernel';
import {
  type NEIGHBOUR_FLAGS,
  type NEIGHBOUR_STATES,
  ndmsg,
  neighbourAttributes,
  RTM,
} from '@podwire/kernel/rtnetlink';
import { additionOf, applyBatch, type ItemResult, type Noun, removeItem } from './noun.ts';
import { defined, encodeFor, type RouteSocket } from './rtnetlink.ts';

/** A forwarding entry of a bridge or VXLAN link: where frames for a MAC address go; bridge(8) "fdb". */
export interface FdbEntry {
  readonly link: string;
  /** 00:00:00:00:00:00 on a VXLAN link: all that is not known otherwise. */
  readonly mac: string;
  /** VXLAN: address of the machine behind which the MAC address is. */
  readonly destination?: IpAddress;
  /** The entry belongs to the bridge that is the link's master, not to the link. */
  readonly master?: boolean;
  /** Stays until removed; learned entries age. In a bridge it also means: for this machine. Default true. */
  readonly permanent?: boolean;
  /** Bridge: stays until removed, too, but frames leave by the link. */
  readonly static?: boolean;
  readonly vlan?: number;
  /** VXLAN: UDP port and VNI to send with, where they are not the link's own. */
  readonly port?: number;
  readonly vni?: number;
  /** VXLAN: VNI of the traffic meant, on links that take several (`external`). */
  readonly sourceVni?: number;
  /** VXLAN: the link to send by. */
  readonly via?: string;
  /** VXLAN: a group of next hop objects instead of a destination; Linux 5.8. */
  readonly nextHopId?: number;
  /** Does not move to another port. */
  readonly sticky?: boolean;
  /** Kept by a daemon: the kernel does not age it. */
  readonly externLearn?: boolean;
}

type FdbFlag = 'master' | 'self' | 'sticky' | 'externLearn';

const textOf = (e: FdbEntry): string =>
  `fdb entry ${e.mac} dev ${e.link}${e.destination ? ` dst ${e.destination}` : ''}`;

function encodeFdb(entry: FdbEntry, socket: RouteSocket): Buffer {
  const { link, mac, destination, master, vlan, port, vni, sourceVni, nextHopId } = entry;
  const flags: FdbFlag[] = [master ? 'master' : 'self'];
  for (const flag of ['sticky', 'externLearn'] as const) if (entry[flag]) flags.push(flag);
  const state: (keyof typeof NEIGHBOUR_STATES)[] = [stateOf(entry)];
  const header = { family: 'bridge', index: socket.indexOf(link), state, flags } as const;
  const viaIndex = entry.via === undefined ? undefined : socket.indexOf(entry.via);
  const values = { mac, destination, vlan, port, vni, sourceVni, nextHopId, viaIndex };
  return encodeFor(textOf(entry), () => encodeBody(ndmsg, header, neighbourAttributes, values));
}

/** NUD_*: what has no protocol to ask (noarp) stays, what is reachable ages. */
function stateOf({ permanent, static: stays }: FdbEntry): keyof typeof NEIGHBOUR_STATES {
  if (stays) return 'noarp';
  return (permanent ?? true) ? 'permanent' : 'reachable';
}

/** Reads one RTM_NEWNEIGH or RTM_DELNEIGH message of AF_BRIDGE. */
export function decodeFdb(body: Buffer, names: ReadonlyMap<number, string>): FdbEntry | undefined {
  const { family, index, state, flags } = ndmsg.read(body);
  const a = neighbourAttributes.read(attributesAfter(body, ndmsg.size));
  const link = names.get(index);
  if (family !== 'bridge' || link === undefined || a.mac === undefined) return undefined;
  const has = (flag: keyof typeof NEIGHBOUR_FLAGS) => flags.includes(flag) || undefined;
  return defined({
    link,
    mac: a.mac,
    destination: a.destination,
    master: a.master === undefined ? undefined : true,
    permanent: state.includes('permanent'),
    static: (state.includes('noarp') && !state.includes('permanent')) || undefined,
    vlan: a.vlan,
    port: a.port,
    vni: a.vni,
    sourceVni: a.sourceVni,
    via: a.viaIndex === undefined ? undefined : names.get(a.viaIndex),
    nextHopId: a.nextHopId,
    sticky: has('sticky'),
    externLearn: has('externLearn'),
  }) as FdbEntry;
}

/** The entries of one link, or of all. */
export function readFdb(socket: RouteSocket, link?: string): FdbEntry[] {
  const index = link === undefined ? 0 : socket.indexOf(link);
  const body = encodeBody(ndmsg, { family: 'bridge', index }, neighbourAttributes, {});
  const answers = socket.netlink.dump({ type: RTM.GETNEIGH, flags: 0, body, op: 'list fdb entries' });
  const names = socket.names();
  return answers.flatMap((answer) => {
    const entry = decodeFdb(answer.body, names);
    return entry && (link === undefined || entry.link === link) ? entry : [];
  });
}

function noun(socket: RouteSocket): Noun<'entry', FdbEntry> {
  return {
    key: 'entry',
    text: textOf,
    addition: (entry) => ({
      type: RTM.NEWNEIGH,
      // the kernel refuses to replace where several destinations are possible
      flags: NLM_F.CREATE | (isFlood(entry.mac) ? NLM_F.APPEND : NLM_F.REPLACE),
      body: encodeFdb(entry, socket),
    }),
    removal: (entry) => ({
      type: RTM.DELNEIGH,
      flags: 0,
      body: encodeFdb(entry, socket),
    }),
    gone: ['ENOENT'],
    identity: fdbKey,
  };
}

/** Tells entries apart that can stand beside each other. */
export function fdbKey({ link, mac, master = false, vlan, sourceVni, destination, port, vni, via }: FdbEntry): string {
  const several = isFlood(mac) ? [destination, port, vni, via] : [];
  return [link, mac.toLowerCase(), master, vlan, sourceVni, ...several].join(' ');
}

/** Group addresses, of which the all-zero one stands for everything, may have several destinations on a VXLAN link. */
function isFlood(mac: string): boolean {
  return /^[0:]+$/.test(mac) || (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** Adds the entry; another destination of the same MAC address is overwritten. */
export function replaceFdb(socket: RouteSocket, entry: FdbEntry): void {
  socket.netlink.request({ ...additionOf(noun(socket), entry), flags: NLM_F.CREATE | NLM_F.REPLACE });
}

/** Adds a further destination; only all-zero and group MAC addresses of a VXLAN link may have several. */
export function appendFdb(socket: RouteSocket, entry: FdbEntry): void {
  socket.netlink.request({ ...additionOf(noun(socket), entry), flags: NLM_F.CREATE | NLM_F.APPEND });
}

/** Removes the entry; false if there is none. */
export function deleteFdb(socket: RouteSocket, entry: FdbEntry): boolean {
  return removeItem(socket, noun(socket), entry);
}

export type FdbResult = ItemResult<'entry', FdbEntry>;

/** Writes additions, then removals, in few system calls; one result each. Throws NET_NO_LINK, NET_BAD_VALUE. */
export function applyFdb(
  socket: RouteSocket,
  changes: { readonly add: readonly FdbEntry[]; readonly remove: readonly FdbEntry[] },
): FdbResult[] {
  return applyBatch(socket, changes, noun);
}
