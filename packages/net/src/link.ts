import { attributesAfter, encodeAttributes, encodeBody, isErrno, type NetlinkAnswer } from '@podwire/kernel';
import { bridgePortData, linkAttributes, readVxlan, type VxlanParameters } from './link-kind.ts';
import { AF, defined, ifinfomsg, noLink, type RouteSocket, RTM } from './rtnetlink.ts';

/** A network interface as observed. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `vxlan`, ...; absent for lo and hardware. */
  readonly kind?: string;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** Has a carrier as well (IFF_LOWER_UP). */
  readonly carrier: boolean;
  readonly mtu: number;
  readonly mac?: string;
  /** Name of the bridge (or bond) this link is a port of. */
  readonly master?: string;
  /** veth: index of the other end, in the other end's namespace. */
  readonly peerIndex?: number;
  readonly alias?: string;
  /** Ports of a bridge only. */
  readonly isolated?: boolean;
  readonly hairpin?: boolean;
  readonly vxlan?: VxlanParameters;
}

const IFF_UP = 1;
const IFF_LOWER_UP = 0x10000;
/** Leaves the statistics out, which are most of a link's bytes (RTEXT_FILTER_SKIP_STATS). */
const SKIP_STATS = 8;

interface RawLink {
  readonly link: Omit<Link, 'master'>;
  readonly masterIndex: number | undefined;
}

/** Reads one RTM_NEWLINK message. */
export function decodeLink(body: Buffer): RawLink {
  const { index, flags } = ifinfomsg.read(body);
  const a = linkAttributes.read(attributesAfter(body, ifinfomsg.size));
  const kind = a.info?.kind;
  const isPort = a.info?.slaveKind === 'bridge' && a.info.slaveData !== undefined;
  const port = isPort ? bridgePortData.read(Buffer.from(a.info?.slaveData ?? [])) : undefined;
  const link = {
    index,
    name: a.name ?? '',
    kind,
    up: (flags & IFF_UP) !== 0,
    carrier: (flags & IFF_LOWER_UP) !== 0,
    mtu: a.mtu ?? 0,
    mac: a.mac,
    peerIndex: a.peerIndex,
    alias: a.alias,
    isolated: port?.isolated,
    hairpin: port?.hairpin,
    vxlan: kind === 'vxlan' && a.info?.data ? readVxlan(Buffer.from(a.info.data)) : undefined,
  };
  return { link: defined(link) as Omit<Link, 'master'>, masterIndex: a.master };
}

function requestLink(socket: RouteSocket, index: number, name?: string): RawLink | undefined {
  const attributes = name === undefined ? { extMask: SKIP_STATS } : { name, extMask: SKIP_STATS };
  const body = encodeBody(ifinfomsg, { index }, linkAttributes, attributes);
  try {
    const [answer] = socket.netlink.request({ type: RTM.GETLINK, flags: 0, body, op: `read link ${name ?? index}` });
    return answer && decodeLink(answer.body);
  } catch (error) {
    // names longer than the kernel knows are ERANGE
    if (isErrno(error, 'ENODEV', 'ERANGE')) return undefined;
    throw error;
  }
}

function dumpLinks(socket: RouteSocket): NetlinkAnswer[] {
  const body = encodeBody(ifinfomsg, { family: AF.UNSPEC }, linkAttributes, { extMask: SKIP_STATS });
  return socket.netlink.dump({ type: RTM.GETLINK, flags: 0, body, op: 'list links' });
}

/** All links of the namespace, by index. */
export function readLinks(socket: RouteSocket): Link[] {
  const raw = dumpLinks(socket).map(({ body }) => decodeLink(body));
  const names = new Map(raw.map(({ link }) => [link.index, link.name]));
  return raw.map(({ link, masterIndex }) =>
    withMaster(link, masterIndex === undefined ? undefined : names.get(masterIndex)),
  );
}

function withMaster(link: Omit<Link, 'master'>, master: string | undefined): Link {
  return master === undefined ? link : { ...link, master };
}

export function readLink(socket: RouteSocket, name: string): Link | undefined {
  const raw = requestLink(socket, 0, name);
  if (!raw) return undefined;
  const master = raw.masterIndex === undefined ? undefined : requestLink(socket, raw.masterIndex)?.link.name;
  return withMaster(raw.link, master);
}

export function readIndex(socket: RouteSocket, name: string): number {
  const raw = requestLink(socket, 0, name);
  if (!raw) throw noLink(name);
  return raw.link.index;
}

/** Removes a link; false if there is none of that name. A veth takes its peer along. */
export function deleteLink(socket: RouteSocket, name: string): boolean {
  const body = encodeBody(ifinfomsg, {}, linkAttributes, { name });
  try {
    socket.netlink.request({ type: RTM.DELLINK, flags: 0, body, op: `delete link ${name}` });
    return true;
  } catch (error) {
    if (isErrno(error, 'ENODEV', 'ERANGE')) return false;
    throw error;
  }
}

export interface LinkSettings {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** The bridge to become a port of; null: of none. */
  readonly master?: string | null;
  /** Bridge port: no traffic to other isolated ports. */
  readonly isolated?: boolean;
  /** Bridge port: frames may leave by the port they came in by. */
  readonly hairpin?: boolean;
  /** Free text of at most 255 bytes that stays with the link; empty removes it. */
  readonly alias?: string;
  /** The new name. Kernels before 6.2 want the link down for it. */
  readonly rename?: string;
}

/** Changes what is given and leaves the rest. Port settings are written after `master`. */
export function setLink(socket: RouteSocket, name: string, settings: LinkSettings): void {
  const { up, mtu, mac, master, alias, rename, isolated, hairpin } = settings;
  const index = socket.indexOf(name);
  const flags = up === undefined ? {} : { flags: up ? IFF_UP : 0, change: IFF_UP };
  const values = {
    mtu,
    mac,
    alias,
    name: rename,
    master: master ? socket.indexOf(master) : master === null ? 0 : undefined,
  };
  if (up !== undefined || Object.values(values).some((v) => v !== undefined)) {
    const body = encodeBody(ifinfomsg, { index, ...flags }, linkAttributes, values);
    socket.netlink.request({ type: RTM.NEWLINK, flags: 0, body, op: `set link ${name}` });
  }
  if (isolated !== undefined || hairpin !== undefined) setBridgePort(socket, name, { index, isolated, hairpin });
}

interface BridgePort {
  readonly index: number;
  readonly isolated: boolean | undefined;
  readonly hairpin: boolean | undefined;
}

function setBridgePort(socket: RouteSocket, name: string, { index, isolated, hairpin }: BridgePort): void {
  const slaveData = encodeAttributes(bridgePortData, { isolated, hairpin });
  const body = encodeBody(ifinfomsg, { index }, linkAttributes, { info: { slaveKind: 'bridge', slaveData } });
  socket.netlink.request({ type: RTM.NEWLINK, flags: 0, body, op: `set bridge port ${name}` });
}
