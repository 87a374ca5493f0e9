import { type Family, familyOf, type IpAddress } from '@podwire/base';
import { attributesAfter, encodeBody, NLM_F } from '@podwire/kernel';
import { nextHopObjectAttributes, nhmsg, RTM } from '@podwire/kernel/rtnetlink';
import { decodeEncap, type Encap, encodeEncap } from './encap.ts';
import { applyBatch, type ItemResult } from './noun.ts';
import { badValue, defined, dumpBodies, encodeFor, type RouteSocket } from './rtnetlink.ts';

/** A next hop that routes refer to by number, so that changing it changes them all; ip-nexthop(8), Linux 5.3. */
export interface NextHopObject {
  /** 1 and up. */
  readonly id: number;
  readonly via?: IpAddress;
  readonly link?: string;
  /** Drops what is routed to it. Of one family: `family`. */
  readonly blackhole?: boolean;
  /** Of a blackhole or a next hop without `via`; default ipv4. */
  readonly family?: Family;
  /** Others that share the traffic, by weight (default 1). */
  readonly group?: readonly { readonly id: number; readonly weight?: number }[];
  /** The group keeps flows where they are when a member goes; times in hundredths of a second. */
  readonly resilient?: { readonly buckets?: number; readonly idleTimer?: number; readonly unbalancedTimer?: number };
  readonly onlink?: boolean;
  readonly encap?: Encap;
  /** For forwarding entries of a VXLAN link, not for routes. */
  readonly fdb?: boolean;
  /** Who made it (RTPROT_*). */
  readonly protocol?: number;
}

const textOf = (hop: NextHopObject): string => `next hop ${hop.id}`;

function familyFor({ group, via, family = 'ipv4' }: NextHopObject): Family | 'unspec' {
  if (group) return 'unspec';
  return via === undefined ? family : familyOf(via);
}

function encodeObject(hop: NextHopObject, socket: RouteSocket): Buffer {
  const { id, via, link, group, resilient, onlink, encap, protocol = 0 } = hop;
  if (id < 1) throw badValue(textOf(hop), 'numbers begin with 1');
  const header = { family: familyFor(hop), protocol, flags: onlink ? (['onlink'] as const) : [] };
  return encodeFor(textOf(hop), () =>
    encodeBody(nhmsg, header, nextHopObjectAttributes, {
      id,
      group: group?.map((member) => ({ id: member.id, ...splitWeight(member.weight ?? 1) })),
      groupType: resilient ? 'resilient' : undefined,
      blackhole: hop.blackhole || undefined,
      outIndex: link === undefined ? undefined : socket.indexOf(link),
      gateway: via,
      ...encodeEncap(encap),
      fdb: hop.fdb || undefined,
      resilientGroup: resilient,
    }),
  );
}

/** Weights of more than 256 stand in two bytes; Linux 6.12. */
function splitWeight(weight: number): { weight: number; weightHigh: number } {
  return { weight: (weight - 1) & 0xff, weightHigh: (weight - 1) >> 8 };
}

/** Reads one RTM_NEWNEXTHOP or RTM_DELNEXTHOP message. */
export function decodeNextHopObject(body: Buffer, names: ReadonlyMap<number, string>): NextHopObject | undefined {
  const { family, protocol, flags } = nhmsg.read(body);
  const a = nextHopObjectAttributes.read(attributesAfter(body, nhmsg.size));
  if (a.id === undefined) return undefined;
  const { buckets, idleTimer, unbalancedTimer } = a.resilientGroup ?? {};
  return defined({
    id: a.id,
    via: a.gateway,
    link: a.outIndex === undefined ? undefined : names.get(a.outIndex),
    blackhole: a.blackhole,
    family: family === 'ipv6' && a.gateway === undefined ? family : undefined,
    group: a.group?.map(({ id = 0, weight = 0, weightHigh = 0 }) => ({ id, weight: weight + (weightHigh << 8) + 1 })),
    resilient: a.resilientGroup && defined({ buckets, idleTimer, unbalancedTimer }),
    onlink: flags.includes('onlink') || undefined,
    encap: decodeEncap(a.encapType, a.encap),
    fdb: a.fdb,
    protocol: protocol || undefined,
  }) as NextHopObject;
}

export interface NextHopFilter {
  readonly protocol?: number;
}

/** All next hop objects of the namespace; none on kernels without them. */
export function readNextHops(socket: RouteSocket, { protocol }: NextHopFilter = {}): NextHopObject[] {
  const body = encodeBody(nhmsg, {}, nextHopObjectAttributes, {});
  const bodies = dumpBodies(socket, { type: RTM.GETNEXTHOP, flags: 0, body, op: 'list next hops' });
  const names = socket.names();
  const all = bodies.flatMap((answer) => decodeNextHopObject(answer, names) ?? []);
  return protocol === undefined ? all : all.filter((hop) => hop.protocol === protocol);
}

export type NextHopResult = ItemResult<'nextHop', NextHopObject>;

/** Writes additions, groups last, then removals; one result each. A removal takes the routes along that refer to it. */
export function applyNextHops(
  socket: RouteSocket,
  { add, remove }: { readonly add: readonly NextHopObject[]; readonly remove: readonly NextHopObject[] },
): NextHopResult[] {
  const groupsLast = [...add.filter((hop) => !hop.group), ...add.filter((hop) => hop.group)];
  return applyBatch(socket, { add: groupsLast, remove }, (place) => ({
    key: 'nextHop',
    text: textOf,
    addition: (hop) => ({
      type: RTM.NEWNEXTHOP,
      flags: NLM_F.CREATE | NLM_F.REPLACE,
      body: encodeObject(hop, place),
    }),
    removal: (hop) => ({
      type: RTM.DELNEXTHOP,
      flags: 0,
      body: encodeFor(textOf(hop), () => encodeBody(nhmsg, {}, nextHopObjectAttributes, { id: hop.id })),
    }),
    gone: ['ENOENT'],
    identity: ({ id }) => String(id),
  }));
}
