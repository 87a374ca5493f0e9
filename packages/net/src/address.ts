import { type Family, familyOf, type IpAddress, prefixOf, tryParseIp } from '@podwire/base';
import { attributesAfter, encodeBody, NLM_F } from '@podwire/kernel';
import { type ADDRESS_FLAGS, addressAttributes, ifaddrmsg, RTM, type Scope } from '@podwire/kernel/rtnetlink';
import { additionOf, applyBatch, type ItemResult, type Noun, removeItem } from './noun.ts';
import { badValue, defined, encodeFor, type RouteSocket, wordOf } from './rtnetlink.ts';

/** An address of a link; ip-address(8). */
export interface Address {
  readonly link: string;
  readonly address: IpAddress;
  readonly prefixLength: number;
  /** The other end's address on point-to-point links; prefixLength is then that of the peer. */
  readonly peer?: IpAddress;
  readonly broadcast?: IpAddress;
  /** IPv4: how ifconfig names it, at most 15 bytes beginning with the link's name. */
  readonly label?: string;
  /** Default global. The kernel chooses it for IPv6 addresses. */
  readonly scope?: Scope;
  /** Who made it (IFA_PROTO); kernels before 5.18 do not keep it. */
  readonly protocol?: number;
  /** Seconds from now; absent: for ever. After the preferred lifetime no new connection uses the address. */
  readonly validLifetime?: number;
  readonly preferredLifetime?: number;
  /** No route for the prefix comes with the address. */
  readonly noPrefixRoute?: boolean;
  /** IPv6: used at once, without duplicate address detection. */
  readonly noDad?: boolean;
  /** IPv6: home address (RFC 6275); the kernel makes temporary addresses of it (RFC 8981). */
  readonly home?: boolean;
  readonly manageTemporary?: boolean;
  /** IPv4 multicast addresses are joined. */
  readonly multicastAutoJoin?: boolean;
  /** Priority of the prefix route. */
  readonly routePriority?: number;
  /** Told only: `tentative`, `dadFailed`, `deprecated`, `secondary` (IPv6: temporary), ... */
  readonly state?: readonly AddressState[];
}

const STATES = ['tentative', 'dadFailed', 'deprecated', 'secondary', 'optimistic', 'stablePrivacy'] as const;
export type AddressState = (typeof STATES)[number];
const SETTABLE = ['noPrefixRoute', 'noDad', 'home', 'manageTemporary', 'multicastAutoJoin'] as const;
const FOR_EVER = 0xffffffff;

const textOf = (a: Address): string => `address ${a.address}/${a.prefixLength} dev ${a.link}`;

/** Tells addresses apart that can stand beside each other on a link. */
export function addressKey({ link, address, prefixLength, peer }: Address): string {
  if (address.includes(':')) return `${link} ${address}`;
  const known = tryParseIp(peer ?? address);
  return `${link} ${address} ${known === undefined ? '' : prefixOf(known, prefixLength)}`;
}

/** The prefix that an IPv4 address shares with others of its link, of which the first one takes the others along. */
export const subnetOf = (a: Address): string => `${a.link} ${prefixOf(a.peer ?? a.address, a.prefixLength)}`;

/** IPv4 prefixes on links that lose one of these addresses; further addresses of such a prefix may go along. */
export function touchedSubnets(removed: readonly Address[]): ReadonlySet<string> {
  return new Set(removed.filter((a) => familyOf(a.address) === 'ipv4').map(subnetOf));
}

function encodeAddress(address: Address, index: number): Buffer {
  const { address: local, prefixLength, peer, scope = 'global' } = address;
  const object = textOf(address);
  if (tryParseIp(local) === undefined) throw badValue(object, `"${local}" is not an IP address`);
  const family: Family = familyOf(local);
  if (!(prefixLength >= 0 && prefixLength <= (family === 'ipv4' ? 32 : 128)))
    throw badValue(object, `a prefix length of ${prefixLength}`);
  const flags: (keyof typeof ADDRESS_FLAGS)[] = SETTABLE.filter((flag) => address[flag]);
  return encodeFor(object, () =>
    encodeBody(ifaddrmsg, { family, prefixLength, scope, index }, addressAttributes, {
      address: peer ?? local,
      local,
      label: address.label,
      broadcast: address.broadcast,
      lifetimes: lifetimesOf(address),
      flags: flags.length > 0 ? flags : undefined,
      routePriority: address.routePriority,
      protocol: address.protocol,
    }),
  );
}

function lifetimesOf({ validLifetime: valid, preferredLifetime: preferred = valid }: Address) {
  if (valid === undefined && preferred === undefined) return undefined;
  return { valid: valid ?? FOR_EVER, preferred: preferred ?? FOR_EVER };
}

/** Reads one RTM_NEWADDR or RTM_DELADDR message; undefined for families other than IP. */
export function decodeAddress(body: Buffer, names: ReadonlyMap<number, string>): Address | undefined {
  const { family, prefixLength, scope, index } = ifaddrmsg.read(body);
  if (family !== 'ipv4' && family !== 'ipv6') return undefined;
  const a = addressAttributes.read(attributesAfter(body, ifaddrmsg.size));
  const link = names.get(index);
  const own = a.local ?? a.address;
  if (own === undefined || link === undefined) return undefined;
  const flags = a.flags ?? [];
  const state = STATES.filter((one) => flags.includes(one));
  const seconds = (time: number | undefined) => (time === undefined || time === FOR_EVER ? undefined : time);
  const set = SETTABLE.map((flag) => [flag, flags.includes(flag) || undefined] as const);
  return defined({
    link,
    address: own,
    prefixLength,
    peer: a.address === own ? undefined : a.address,
    broadcast: a.broadcast,
    label: a.label === link ? undefined : a.label,
    scope: wordOf(scope),
    protocol: a.protocol,
    validLifetime: seconds(a.lifetimes?.valid),
    preferredLifetime: seconds(a.lifetimes?.preferred),
    ...(Object.fromEntries(set) as Pick<Address, (typeof SETTABLE)[number]>),
    routePriority: a.routePriority,
    state: state.length > 0 ? state : undefined,
  }) as Address;
}

/** All addresses, or those of one link (NET_NO_LINK if it does not exist). */
export function readAddresses(socket: RouteSocket, link?: string): Address[] {
  const index = link === undefined ? 0 : socket.indexOf(link);
  const body = encodeBody(ifaddrmsg, { index }, addressAttributes, {});
  const answers = socket.netlink.dump({ type: RTM.GETADDR, flags: 0, body, op: 'list addresses' });
  const names = link === undefined ? socket.names() : new Map([[index, link]]);
  return answers.flatMap(({ body: answer }) => decodeAddress(answer, names) ?? []);
}

function noun(socket: RouteSocket): Noun<'address', Address> {
  return {
    key: 'address',
    text: textOf,
    addition: (address) => ({
      type: RTM.NEWADDR,
      flags: NLM_F.CREATE | NLM_F.REPLACE,
      body: encodeAddress(address, socket.indexOf(address.link)),
    }),
    removal: ({ link, address, prefixLength, peer }) => ({
      type: RTM.DELADDR,
      flags: 0,
      body: encodeAddress(defined({ link, address, prefixLength, peer }) as Address, socket.indexOf(link)),
    }),
    gone: ['EADDRNOTAVAIL'],
    identity: addressKey,
  };
}

/** Adds the address, or changes lifetimes, protocol and route priority (IPv6: also peer and flags) of one that is there. */
export function addAddress(socket: RouteSocket, address: Address): void {
  socket.netlink.request(additionOf(noun(socket), address));
}

/** Removes the address; false if the link does not have it. */
export function deleteAddress(socket: RouteSocket, address: Address): boolean {
  return removeItem(socket, noun(socket), address);
}

export type AddressResult = ItemResult<'address', Address>;

/**
 * Writes additions, then removals, but first removals of what is to come anew, in few system calls; one result each.
 * Additions are written once more when IPv4 addresses went, which take others of their prefix along. Throws
 * NET_NO_LINK, NET_BAD_VALUE.
 */
export function applyAddresses(
  socket: RouteSocket,
  { add, remove }: { readonly add: readonly Address[]; readonly remove: readonly Address[] },
): AddressResult[] {
  const results = applyBatch(socket, { add, remove }, noun);
  if (add.length === 0 || touchedSubnets(remove).size === 0) return results;
  return [...applyBatch(socket, { add, remove: [] }, noun), ...results.slice(add.length)];
}
