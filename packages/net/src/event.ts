import {
  attributesAfter,
  DecodeError,
  type NetlinkAnswer,
  type Netns,
  openNetlink,
  subscribeNetlink,
  watchNetlinkGroups,
} from '@podwire/kernel';
import { ifinfomsg, linkAttributes, RTM, RTNLGRP } from '@podwire/kernel/rtnetlink';
import { type Address, decodeAddress } from './address.ts';
import { decodeFdb, type FdbEntry } from './fdb.ts';
import { decodeLink, type Link, named, readNames } from './link.ts';
import { decodeNeighbour, type Neighbour } from './neighbour.ts';
import { decodeNextHopObject, type NextHopObject } from './nexthop-object.ts';
import type { Route } from './route.ts';
import { decodeRoute } from './route-decoding.ts';
import { decodeRule, type Rule } from './rule.ts';

/** The multicast groups of a topic, both address families. */
const GROUPS = {
  link: [RTNLGRP.LINK],
  address: [RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR],
  route: [RTNLGRP.IPV4_ROUTE, RTNLGRP.IPV6_ROUTE],
  rule: [RTNLGRP.IPV4_RULE, RTNLGRP.IPV6_RULE],
  /** With forwarding entries. */
  neighbour: [RTNLGRP.NEIGH],
  nextHop: [RTNLGRP.NEXTHOP],
} as const;
export type NetTopic = keyof typeof GROUPS;

interface Nouns {
  link: Link;
  address: Address;
  route: Route;
  rule: Rule;
  neighbour: Neighbour;
  fdb: FdbEntry;
  nextHop: NextHopObject;
}

/** Something that the kernel says was made, changed (both `new`) or deleted: `{ topic: 'link', action, link }`. */
export type NetEvent = {
  [T in keyof Nouns]: { readonly topic: T; readonly action: 'new' | 'delete' } & { readonly [K in T]: Nouns[T] };
}[keyof Nouns];

export interface NetWatchOptions {
  /** Default: where the calling thread is. */
  readonly netns?: Netns | undefined;
  readonly topics: readonly NetTopic[];
  /** Something changed, or events were lost: observe anew. Called at most once per turn of the event loop. */
  readonly onChange: () => void;
}

export interface NetEventOptions {
  readonly netns?: Netns | undefined;
  readonly topics: readonly NetTopic[];
  /** In the order in which the kernel made the changes. */
  readonly onEvent: (event: NetEvent) => void;
  /** The kernel had more to tell than the buffer holds, and events are gone: observe anew. */
  readonly onLost: () => void;
}

/**
 * Tells of changes that anybody makes in the namespace: that there were some (`onChange`), or which (`onEvent`, and
 * `onLost` when it cannot tell). Returns what stops it; it keeps the event loop alive.
 */
export function watchNet(options: NetWatchOptions | NetEventOptions): { stop(): void } {
  const groups = options.topics.flatMap((topic) => GROUPS[topic]);
  if ('onChange' in options) {
    const { netns, onChange } = options;
    return watchNetlinkGroups({ protocol: 'route', netns, groups, onChange });
  }
  return watchEvents(options, groups);
}

function watchEvents({ netns, topics, onEvent, onLost }: NetEventOptions, groups: readonly number[]): { stop(): void } {
  const names = new Map<number, string>();
  const learn = () => {
    names.clear();
    for (const [index, name] of namesIn(netns)) names.set(index, name);
  };
  // links are always listened to: the other messages name them by number
  const all = [...new Set([...groups, ...GROUPS.link])];
  const watch = subscribeNetlink({
    protocol: 'route',
    netns,
    groups: all,
    onMessages(messages) {
      for (const message of messages) {
        const event = readable(message, names);
        if (event === 'unreadable') onLost();
        else if (event && topics.includes(event.topic === 'fdb' ? 'neighbour' : event.topic)) onEvent(event);
      }
    },
    onLost() {
      learn();
      onLost();
    },
  });
  learn();
  return watch;
}

function namesIn(netns: Netns | undefined): Map<number, string> {
  const netlink = openNetlink('route', netns);
  try {
    return readNames({ netlink });
  } finally {
    netlink.close();
  }
}

type Names = Map<number, string>;

/** A message that a newer kernel lays out otherwise is as good as lost. */
function readable(message: NetlinkAnswer, names: Names): NetEvent | 'unreadable' | undefined {
  try {
    const event = eventOf(message, names);
    noteName(message, names);
    return event;
  } catch (error) {
    if (error instanceof DecodeError) return 'unreadable';
    throw error;
  }
}

/** Keeps the names up with links that come, go and are renamed. A link that goes says so for its bridge, too. */
function noteName({ type, body }: NetlinkAnswer, names: Names): void {
  if (type !== RTM.NEWLINK && type !== RTM.DELLINK) return;
  const { index, family } = ifinfomsg.read(body);
  if (family !== 'unspec') return;
  const { name } = linkAttributes.read(attributesAfter(body, ifinfomsg.size));
  if (type === RTM.DELLINK) names.delete(index);
  else if (name !== undefined) names.set(index, name);
}

/** undefined: a message that tells of nothing podwire has a noun for. */
function eventOf({ type, body }: NetlinkAnswer, names: Names): NetEvent | undefined {
  // RTM_NEW* are multiples of four, RTM_DEL* one more
  const action = (type & 3) === 1 ? 'delete' : 'new';
  const made = <T extends keyof Nouns>(topic: T, value: Nouns[T] | undefined) =>
    value && ({ topic, action, [topic]: value } as unknown as NetEvent);
  if (type === RTM.NEWLINK || type === RTM.DELLINK) return linkEvent(body, action, names);
  if (type === RTM.NEWADDR || type === RTM.DELADDR) return made('address', decodeAddress(body, names));
  if (type === RTM.NEWROUTE || type === RTM.DELROUTE) return made('route', decodeRoute(body, names));
  if (type === RTM.NEWRULE || type === RTM.DELRULE) return made('rule', decodeRule(body));
  if (type === RTM.NEWNEXTHOP || type === RTM.DELNEXTHOP) return made('nextHop', decodeNextHopObject(body, names));
  if (type !== RTM.NEWNEIGH && type !== RTM.DELNEIGH) return undefined;
  return made('fdb', decodeFdb(body, names)) ?? made('neighbour', decodeNeighbour(body, names));
}

/** Bridges tell of their ports in messages of their own (AF_BRIDGE), which say less. */
function linkEvent(body: Buffer, action: NetEvent['action'], names: Names): NetEvent | undefined {
  if (ifinfomsg.read(body).family !== 'unspec') return undefined;
  return { topic: 'link', action, link: named(decodeLink(body), (index) => names.get(index)) };
}
