import type { IpAddress } from '@podwire/base';
import { attributesAfter, encodeBody, isErrno, NLM_F } from '@podwire/kernel';
import { NEIGHBOUR_STATES, NTF, neighbourAttributes } from './neighbour.ts';
import { AF, defined, ndmsg, type RouteSocket, RTM } from './rtnetlink.ts';

/** A forwarding entry of a bridge or VXLAN link: where frames for a MAC address go; bridge(8) "fdb". */
export interface FdbEntry {
  readonly link: string;
  /** 00:00:00:00:00:00 on a VXLAN link: all that is not known otherwise. */
  readonly mac: string;
  /** VXLAN: address of the machine behind which the MAC address is. */
  readonly destination?: IpAddress;
  /** The entry belongs to the bridge that is the link's master, not to the link. */
  readonly master?: boolean;
  /** Stays until removed; learned entries age. Default true. */
  readonly permanent?: boolean;
}

function encodeFdb({ link, mac, destination, master }: FdbEntry, socket: RouteSocket): Buffer {
  const header = {
    family: AF.BRIDGE,
    index: socket.indexOf(link),
    state: NEIGHBOUR_STATES.permanent,
    flags: master ? NTF.MASTER : NTF.SELF,
  };
  return encodeBody(ndmsg, header, neighbourAttributes, { mac, destination });
}

/** Reads one RTM_NEWNEIGH message of AF_BRIDGE. */
export function decodeFdb(body: Buffer, names: ReadonlyMap<number, string>): FdbEntry | undefined {
  const { family, index, state } = ndmsg.read(body);
  const a = neighbourAttributes.read(attributesAfter(body, ndmsg.size));
  const link = names.get(index);
  if (family !== AF.BRIDGE || link === undefined || a.mac === undefined) return undefined;
  const master = a.master === undefined ? undefined : true;
  const permanent = (state & NEIGHBOUR_STATES.permanent) !== 0;
  return defined({ link, mac: a.mac, destination: a.destination, master, permanent }) as FdbEntry;
}

/** The entries of one link, or of all. */
export function readFdb(socket: RouteSocket, link?: string): FdbEntry[] {
  const index = link === undefined ? 0 : socket.indexOf(link);
  const body = encodeBody(ndmsg, { family: AF.BRIDGE, index }, neighbourAttributes, {});
  const answers = socket.netlink.dump({ type: RTM.GETNEIGH, flags: 0, body, op: 'list fdb entries' });
  const names = link === undefined ? socket.names() : new Map([[index, link]]);
  return answers.flatMap((answer) => decodeFdb(answer.body, names) ?? []);
}

/** Adds the entry; another destination of the same MAC address is overwritten. */
export function replaceFdb(socket: RouteSocket, entry: FdbEntry): void {
  writeFdb(socket, entry, NLM_F.REPLACE);
}

/** Adds a further destination; only the all-zero MAC address of a VXLAN link may have several. */
export function appendFdb(socket: RouteSocket, entry: FdbEntry): void {
  writeFdb(socket, entry, NLM_F.APPEND);
}

function writeFdb(socket: RouteSocket, entry: FdbEntry, flags: number): void {
  const op = `add fdb entry ${entry.mac} on ${entry.link}`;
  socket.netlink.request({ type: RTM.NEWNEIGH, flags: NLM_F.CREATE | flags, body: encodeFdb(entry, socket), op });
}

/** Removes the entry; false if there is none. */
export function deleteFdb(socket: RouteSocket, entry: FdbEntry): boolean {
  const op = `delete fdb entry ${entry.mac} on ${entry.link}`;
  try {
    socket.netlink.request({ type: RTM.DELNEIGH, flags: 0, body: encodeFdb(entry, socket), op });
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
