import { familyOf, type IpAddress } from '@podwire/base';
import { attributes, attributesAfter, codec, encodeBody, isErrno, NLM_F } from '@podwire/kernel';
import { AF, defined, ifaddrmsg, nameOf, type RouteSocket, RTM } from './rtnetlink.ts';
import { SCOPES, type Scope } from './scope.ts';

const { ip, u32, u8 } = codec;

/** An address of a link. */
export interface Address {
  readonly link: string;
  readonly address: IpAddress;
  readonly prefixLength: number;
  /** Default global. */
  readonly scope?: Scope;
  /** Who made it (IFA_PROTO); kernels before 5.18 do not keep it. */
  readonly protocol?: number;
}

/** Attributes of ifaddrmsg messages, linux/if_addr.h. */
const addressAttributes = attributes('address', {
  address: [1, ip], // IFA_ADDRESS: of the other end on point-to-point links, else as local
  local: [2, ip], // IFA_LOCAL: IPv4 only
  flags: [8, u32], // IFA_FLAGS
  protocol: [11, u8], // IFA_PROTO
});

function encodeAddress(address: Address, index: number): Buffer {
  const { address: ipAddress, prefixLength, scope = 'global', protocol } = address;
  const v4 = familyOf(ipAddress) === 'ipv4';
  const header = { family: v4 ? AF.INET : AF.INET6, prefixLength, scope: SCOPES[scope], index };
  return encodeBody(ifaddrmsg, header, addressAttributes, { address: ipAddress, local: ipAddress, protocol });
}

/** Reads one RTM_NEWADDR message; undefined for families other than IP. */
export function decodeAddress(body: Buffer, names: ReadonlyMap<number, string>): Address | undefined {
  const { family, prefixLength, scope, index } = ifaddrmsg.read(body);
  if (family !== AF.INET && family !== AF.INET6) return undefined;
  const { address, local, protocol } = addressAttributes.read(attributesAfter(body, ifaddrmsg.size));
  const link = names.get(index);
  const own = local ?? address;
  if (own === undefined || link === undefined) return undefined;
  return defined({ link, address: own, prefixLength, scope: nameOf(SCOPES, scope), protocol }) as Address;
}

/** All addresses, or those of one link (NET_NO_LINK if it does not exist). */
export function readAddresses(socket: RouteSocket, link?: string): Address[] {
  const index = link === undefined ? 0 : socket.indexOf(link);
  const body = encodeBody(ifaddrmsg, { index }, addressAttributes, {});
  const answers = socket.netlink.dump({ type: RTM.GETADDR, flags: 0, body, op: 'list addresses' });
  const names = link === undefined ? socket.names() : new Map([[index, link]]);
  return answers.flatMap(({ body: answer }) => decodeAddress(answer, names) ?? []);
}

/** Adds the address, or changes scope and protocol of one that is there. */
export function addAddress(socket: RouteSocket, address: Address): void {
  const body = encodeAddress(address, socket.indexOf(address.link));
  const op = `add address ${address.address}/${address.prefixLength} to ${address.link}`;
  socket.netlink.request({ type: RTM.NEWADDR, flags: NLM_F.CREATE | NLM_F.REPLACE, body, op });
}

/** Removes the address; false if the link does not have it. */
export function deleteAddress(socket: RouteSocket, address: Address): boolean {
  const body = encodeAddress(address, socket.indexOf(address.link));
  const op = `delete address ${address.address}/${address.prefixLength} of ${address.link}`;
  try {
    socket.netlink.request({ type: RTM.DELADDR, flags: 0, body, op });
    return true;
  } catch (error) {
    if (isErrno(error, 'EADDRNOTAVAIL')) return false;
    throw error;
  }
}
