import { type AttributesOf, attributes, attributesAfter, codec, encodeBody, isErrno } from '@podwire/kernel';
import { familySpec, ifinfomsg, linkAttributes, RTM } from '@podwire/kernel/rtnetlink';
import { type BridgePort, decodeSettings, isLinkKind, type KindSettings } from './link-kind.ts';
import { defined, encodeFor, noLink, type RouteSocket, requestUnlessGone } from './rtnetlink.ts';

/** What links of every kind have and may be given; ip-link(8). */
export interface LinkProperties extends KindSettings {
  /** Administratively up (IFF_UP). */
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** Bridge port: no traffic to other isolated ports. */
  readonly isolated?: boolean;
  /** Bridge port: frames may leave by the port they came in by. */
  readonly hairpin?: boolean;
  /** Bridge port: everything else. */
  readonly bridgePort?: BridgePort;
  /** Free text of at most 255 bytes that stays with the link; empty removes it. */
  readonly alias?: string;
  /** Further names, of up to 127 bytes, that the link answers to. */
  readonly altNames?: readonly string[];
  /** Number by which links can be set or removed together; default 0. */
  readonly group?: number;
  /** Packets the queue holds. */
  readonly txQueueLength?: number;
  /** Whether neighbours are resolved on the link (not IFF_NOARP). */
  readonly arp?: boolean;
  readonly multicast?: boolean;
  readonly allMulticast?: boolean;
  readonly promiscuous?: boolean;
  /** A protocol daemon keeps the link down. */
  readonly protocolDown?: boolean;
  /** Largest packets given to the device (GSO) and made of received ones (GRO), in bytes. */
  readonly gsoMaxSize?: number;
  readonly gsoMaxSegments?: number;
  readonly groMaxSize?: number;
  readonly gsoIpv4MaxSize?: number;
  readonly groIpv4MaxSize?: number;
  /** How the IPv6 link-local address is made; `none` makes none. */
  readonly addressGeneration?: AddressGeneration;
}

export type AddressGeneration = 'eui64' | 'none' | 'stablePrivacy' | 'random';

/** A network interface as observed. */
export interface Link extends LinkProperties {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `vxlan`, ...; absent for lo and hardware. */
  readonly kind?: string;
  readonly up: boolean;
  /** Up and with a carrier (IFF_LOWER_UP). */
  readonly carrier: boolean;
  /** RFC 2863: `up` is the state in which packets pass. */
  readonly operState?: string;
  readonly mtu: number;
  /** Name of the bridge, bond or VRF that this link is a port of. */
  readonly master?: string;
  /** The link that this one sits on: vlan, macvlan, ipvlan, tunnels. */
  readonly lower?: string;
  /** veth, netkit: index of the other end, in the other end's namespace. */
  readonly peerIndex?: number;
  /** The number that this namespace knows the namespace of the other end, or of the lower link, by. */
  readonly peerNetnsId?: number;
  readonly txQueues?: number;
  readonly rxQueues?: number;
  readonly minMtu?: number;
  readonly maxMtu?: number;
  /** Number of the XDP program attached. */
  readonly xdpProgramId?: number;
  /** Parameters of a kind that podwire does not know, as the kernel wrote them. */
  readonly data?: Uint8Array;
}

/** Leaves the statistics out, which are most of a link's bytes (RTEXT_FILTER_SKIP_STATS). */
const withoutStatistics = { extMask: ['skipStatistics'] } as const;

/** A link whose relatives are still numbers. */
export interface RawLink {
  readonly link: Omit<Link, 'master' | 'lower'>;
  readonly masterIndex: number | undefined;
  readonly lowerIndex: number | undefined;
}

/** The rows that a Link is made of: lists of links are read often, and decoding the rest would double their cost. */
const observedAttributes = (() => {
  const { mac, name, mtu, lowerIndex, master, operState, alias, group, info, familySpec: spec } = linkAttributes.rows;
  const { txQueueLength, txQueues, rxQueues, properties, protocolDown, minMtu, maxMtu, xdp } = linkAttributes.rows;
  const { gsoMaxSize, gsoMaxSegments, groMaxSize, gsoIpv4MaxSize, groIpv4MaxSize, lowerNetnsId } = linkAttributes.rows;
  const common = { mac, name, mtu, lowerIndex, master, operState, alias, group, info, familySpec: spec };
  const limits = { gsoMaxSize, gsoMaxSegments, groMaxSize, gsoIpv4MaxSize, groIpv4MaxSize, minMtu, maxMtu };
  const rest = { txQueueLength, txQueues, rxQueues, properties, protocolDown, xdp, lowerNetnsId };
  return attributes('link', { ...common, ...limits, ...rest });
})();

type Attributes = AttributesOf<typeof observedAttributes.rows>;
const PAIRS = ['veth', 'netkit'];

/** Reads one RTM_NEWLINK or RTM_DELLINK message. */
export function decodeLink(body: Buffer): RawLink {
  const { index, flags, family } = ifinfomsg.read(body);
  const a = observedAttributes.read(attributesAfter(body, ifinfomsg.size));
  const kind = a.info?.kind;
  const has = (flag: (typeof flags)[number]) => flags.includes(flag);
  const pair = kind !== undefined && PAIRS.includes(kind);
  const values = a.info?.data instanceof Uint8Array ? undefined : (a.info?.data as { lowerIndex?: number } | undefined);
  const link = {
    index,
    name: a.name ?? '',
    kind,
    up: has('up'),
    carrier: has('lowerUp'),
    arp: !has('noArp'),
    multicast: has('multicast'),
    allMulticast: has('allMulticast'),
    promiscuous: has('promiscuous'),
    ...plainAttributes(a),
    addressGeneration: family === 'unspec' ? addressGeneration(a.familySpec) : undefined,
    peerIndex: pair ? a.lowerIndex : undefined,
    ...portSettings(a.info),
    ...kindSettings(kind, a.info?.data),
  };
  const lowerIndex = pair || a.lowerNetnsId !== undefined ? undefined : values?.lowerIndex || a.lowerIndex;
  return { link: defined(link) as RawLink['link'], masterIndex: a.master, lowerIndex: lowerIndex || undefined };
}

function plainAttributes(a: Attributes) {
  return {
    operState: a.operState === undefined ? undefined : String(a.operState),
    mtu: a.mtu ?? 0,
    mac: a.mac === '' ? undefined : a.mac,
    alias: a.alias,
    altNames: a.properties?.altName,
    group: a.group,
    txQueueLength: a.txQueueLength,
    txQueues: a.txQueues,
    rxQueues: a.rxQueues,
    protocolDown: a.protocolDown,
    gsoMaxSize: a.gsoMaxSize,
    gsoMaxSegments: a.gsoMaxSegments,
    groMaxSize: a.groMaxSize,
    gsoIpv4MaxSize: a.gsoIpv4MaxSize,
    groIpv4MaxSize: a.groIpv4MaxSize,
    minMtu: a.minMtu,
    maxMtu: a.maxMtu,
    peerNetnsId: a.lowerNetnsId,
    xdpProgramId: a.xdp?.programId,
  };
}

const { addressGeneration: generationRow } = familySpec.rows.inet6[1].rows;
const generationSpec = attributes('IPv6 of a link', {
  inet6: [10, attributes('IPv6', { addressGeneration: generationRow }), 'AF_INET6'],
});

function addressGeneration(spec: Uint8Array | undefined): AddressGeneration | undefined {
  const mode = spec && generationSpec.read(Buffer.from(spec)).inet6?.addressGeneration;
  return typeof mode === 'string' ? mode : undefined;
}

function portSettings(info: Attributes['info']): Pick<LinkProperties, 'isolated' | 'hairpin' | 'bridgePort'> {
  if (info?.portKind !== 'bridge' || info.portData === undefined || info.portData instanceof Uint8Array) return {};
  const { unknown: _, isolated, hairpin, ...bridgePort } = info.portData as Record<string, unknown>;
  return { isolated, hairpin, bridgePort } as ReturnType<typeof portSettings>;
}

function kindSettings(kind: string | undefined, data: object | undefined): object {
  if (kind === undefined || data === undefined) return {};
  if (!isLinkKind(kind) || data instanceof Uint8Array) return { data };
  const settings = decodeSettings(kind, data as Record<string, unknown>);
  return Object.keys(settings).length === 0 ? {} : { [kind]: settings };
}

function requestLink(socket: RouteSocket, index: number, name?: string): Buffer | undefined {
  // an alternative name is looked up by another attribute, and is longer than a name can be
  const body = encodeFor(`link ${name ?? index}`, () => {
    const names = name !== undefined && Buffer.byteLength(name) > 15 ? { altName: name } : { name };
    return encodeBody(ifinfomsg, { index }, linkAttributes, { ...names, ...withoutStatistics });
  });
  try {
    const [answer] = socket.netlink.request({ type: RTM.GETLINK, flags: 0, body, op: `read link ${name ?? index}` });
    return answer?.body;
  } catch (error) {
    // names longer than the kernel knows are ERANGE
    if (isErrno(error, 'ENODEV', 'ERANGE')) return undefined;
    throw error;
  }
}

function dumpLinks(socket: Pick<RouteSocket, 'netlink'>): Buffer[] {
  const body = encodeBody(ifinfomsg, {}, linkAttributes, withoutStatistics);
  return socket.netlink.dump({ type: RTM.GETLINK, flags: 0, body, op: 'list links' }).map((answer) => answer.body);
}

/** All links of the namespace, by index. */
export function readLinks(socket: RouteSocket): Link[] {
  const raw = dumpLinks(socket).map(decodeLink);
  const names = new Map(raw.map(({ link }) => [link.index, link.name]));
  return raw.map((one) => named(one, (index) => names.get(index)));
}

/** Puts the names of master and lower link in. */
export function named({ link, masterIndex, lowerIndex }: RawLink, nameOf: (index: number) => string | undefined): Link {
  const master = masterIndex === undefined ? undefined : nameOf(masterIndex);
  const lower = lowerIndex === undefined ? undefined : nameOf(lowerIndex);
  return { ...link, ...(master === undefined ? {} : { master }), ...(lower === undefined ? {} : { lower }) };
}

/** The link of that name or alternative name. */
export function readLink(socket: RouteSocket, name: string): Link | undefined {
  const body = requestLink(socket, 0, name);
  return body && named(decodeLink(body), (index) => nameAt(socket, index));
}

function nameAt(socket: RouteSocket, index: number): string | undefined {
  const body = requestLink(socket, index);
  return body && linkNames.read(attributesAfter(body, ifinfomsg.size)).name;
}

/** Only what names() needs: most of a link's attributes are never looked at. */
const linkNames = attributes('name of a link', { name: [3, codec.text, 'IFLA_IFNAME'] });

export function readNames(socket: Pick<RouteSocket, 'netlink'>): Map<number, string> {
  return new Map(
    dumpLinks(socket).map((body) => {
      const { name = '' } = linkNames.read(attributesAfter(body, ifinfomsg.size));
      return [ifinfomsg.read(body).index, name];
    }),
  );
}

export function readIndex(socket: RouteSocket, name: string): number {
  const body = requestLink(socket, 0, name);
  if (!body) throw noLink(name);
  return ifinfomsg.read(body).index;
}

/** Removes a link; false if there is none of that name. A veth takes its peer along. */
export function deleteLink(socket: RouteSocket, name: string): boolean {
  const body = encodeFor(`link ${name}`, () => encodeBody(ifinfomsg, {}, linkAttributes, { name }));
  return requestUnlessGone(
    socket,
    { type: RTM.DELLINK, flags: 0, body, op: `delete link ${name}` },
    'ENODEV',
    'ERANGE',
  );
}
