import { type AttributesOf, encodeAttributes, encodeBody, isErrno, type Netns, NLM_F } from '@podwire/kernel';
import { familySpec, ifinfomsg, type LINK_FLAGS, linkAttributes, RTM } from '@podwire/kernel/rtnetlink';
import { type LinkProperties, readLink } from './link.ts';
import { encodeSettings, hasOwnLower, isLinkKind } from './link-kind.ts';
import { badValue, encodeFor, noLink, type RouteSocket } from './rtnetlink.ts';

type Values = AttributesOf<typeof linkAttributes.rows>;
type LinkFlag = keyof typeof LINK_FLAGS;

export interface LinkSettings extends LinkProperties {
  /** The bridge, bond or VRF to become a port of; null: of none. */
  readonly master?: string | null;
  /** The link a tunnel sends by. */
  readonly lower?: string;
  /** The new name. Kernels before 6.2 want the link down for it. */
  readonly rename?: string;
  /** Moves the link there; it is down afterwards and has lost its addresses and routes. */
  readonly netns?: Netns;
}

/** What the kernel takes for a link's name (dev_valid_name); a percent sign would make it choose a number. */
export function checkLinkName(name: string): void {
  if (
    typeof name === 'string' &&
    /^[^\s/:%\0]+$/.test(name) &&
    Buffer.byteLength(name) <= 15 &&
    name !== '.' &&
    name !== '..'
  )
    return;
  const rule = 'use 1 to 15 bytes without spaces, slashes, colons and percent signs';
  throw badValue(`link ${JSON.stringify(name)}`, `not a name for a link; ${rule}`);
}

/** Attributes that are the same when a link is made and when it is changed. */
export function createdValues(p: LinkProperties): Values {
  const { mtu, mac, group, txQueueLength } = p;
  const { gsoMaxSize, gsoMaxSegments, groMaxSize, gsoIpv4MaxSize, groIpv4MaxSize } = p;
  const sizes = { gsoMaxSize, gsoMaxSegments, groMaxSize, gsoIpv4MaxSize, groIpv4MaxSize };
  return { mtu, mac, group, txQueueLength, ...sizes };
}

/**
 * Changes what is given and leaves the rest. Port settings are written after `master`. Throws NET_NO_LINK,
 * NET_BAD_VALUE, KernelError.
 */
export function setLink(socket: RouteSocket, name: string, settings: LinkSettings): void {
  encodeFor(`link ${name}`, () => writeSettings(socket, name, settings));
}

function writeSettings(socket: RouteSocket, name: string, settings: LinkSettings): void {
  const { rename, master, alias, protocolDown, addressGeneration: mode, netns } = settings;
  if (rename !== undefined) checkLinkName(rename);
  const index = socket.indexOf(name);
  const values: Values = {
    ...createdValues(settings),
    alias,
    protocolDown,
    name: rename,
    netnsFd: netns?.fd,
    master: master ? socket.indexOf(master) : master === null ? 0 : undefined,
  };
  const flags = flagChanges(settings);
  const change = (header: object, attributes: Values) => {
    const body = encodeBody(ifinfomsg, { index, ...header }, linkAttributes, attributes);
    socket.netlink.request({ type: RTM.NEWLINK, flags: 0, body, op: `set link ${name}` });
  };
  // before the link goes up, which is when the address is made
  if (mode) change({}, { familySpec: encodeAttributes(familySpec, { inet6: { addressGeneration: mode } }) });
  const info = kindChange(socket, name, settings);
  // a vxlan refuses an MTU beside its parameters
  if (info) change({}, { info: info as never });
  if (flags.change.length > 0 || Object.values(values).some((v) => v !== undefined)) change(flags, values);
  setBridgePort(socket, { name, index }, settings);
  if (settings.altNames) setAltNames(socket, { name: rename ?? name, index }, settings.altNames);
}

/** The flags that are given, and which of them are to be set. */
function flagChanges(settings: LinkProperties): { flags: LinkFlag[]; change: LinkFlag[] } {
  const { up, arp, multicast, allMulticast, promiscuous } = settings;
  const wanted: [LinkFlag, boolean | undefined][] = [
    ['up', up],
    ['noArp', arp === undefined ? undefined : !arp],
    ['multicast', multicast],
    ['allMulticast', allMulticast],
    ['promiscuous', promiscuous],
  ];
  const given = wanted.filter(([, value]) => value !== undefined);
  return { flags: given.filter(([, value]) => value).map(([flag]) => flag), change: given.map(([flag]) => flag) };
}

/** Tunnels forget every parameter that a change does not repeat. */
const FORGETFUL = /^(ipip|sit|ip6tnl|vti6?|xfrm|(ip6)?(gre|gretap|erspan))$/;

/** IFLA_LINKINFO for the parameters of the link's kind, if any are given. */
function kindChange(socket: RouteSocket, name: string, settings: LinkSettings): object | undefined {
  const kinds = Object.keys(settings).filter((key) => isLinkKind(key));
  const moved = settings.lower !== undefined;
  if (kinds.length === 0 && !moved) return undefined;
  const link = readLink(socket, name);
  if (!link) throw noLink(name);
  const { kind } = link;
  if (!isLinkKind(kind) || kinds.some((other) => other !== kind))
    throw badValue(
      `link ${name}`,
      `it is a ${kind ?? 'link without a kind'} and has no ${kinds.join(', ')} parameters`,
    );
  if (moved && !hasOwnLower(kind)) throw badValue(`link ${name}`, `a ${kind} stays on the link it was made on`);
  const kept = FORGETFUL.test(kind) ? link[kind] : {};
  const lower = settings.lower ?? (FORGETFUL.test(kind) ? link.lower : undefined);
  const data = encodeSettings(kind, { ...kept, ...settings[kind] });
  return { kind, data: lower === undefined ? data : { ...data, lowerIndex: socket.indexOf(lower) } };
}

interface LinkPlace {
  readonly name: string;
  readonly index: number;
}

function setBridgePort(socket: RouteSocket, { name, index }: LinkPlace, settings: LinkProperties): void {
  const { isolated, hairpin, bridgePort } = settings;
  if (isolated === undefined && hairpin === undefined && bridgePort === undefined) return;
  const portData = { ...bridgePort, isolated, hairpin, fdbFlush: bridgePort?.fdbFlush || undefined };
  const info = { portKind: 'bridge', portData } as const;
  const body = encodeBody(ifinfomsg, { index }, linkAttributes, { info });
  socket.netlink.request({ type: RTM.NEWLINK, flags: 0, body, op: `set bridge port ${name}` });
}

function setAltNames(socket: RouteSocket, { name, index }: LinkPlace, wanted: readonly string[]): void {
  const present = readLink(socket, name)?.altNames ?? [];
  const change = (type: number, flags: number, altName: string[]) => {
    if (altName.length === 0) return;
    const op = `${type === RTM.NEWLINKPROP ? 'add' : 'remove'} names ${altName.join(', ')} of ${name}`;
    const body = encodeBody(ifinfomsg, { index }, linkAttributes, { properties: { altName } });
    socket.netlink.request({ type, flags, body, op });
  };
  try {
    change(
      RTM.DELLINKPROP,
      0,
      present.filter((one) => !wanted.includes(one)),
    );
    change(
      RTM.NEWLINKPROP,
      NLM_F.CREATE | NLM_F.EXCL | NLM_F.APPEND,
      wanted.filter((one) => !present.includes(one)),
    );
  } catch (error) {
    if (isErrno(error, 'ERANGE', 'EINVAL'))
      throw badValue(`link ${name}`, `not alternative names: ${wanted.join(', ')}`, error);
    throw error;
  }
}
