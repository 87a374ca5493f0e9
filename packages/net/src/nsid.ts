import { attributesAfter, encodeBody, isErrno, type Netns } from '@podwire/kernel';
import { nsidAttributes, RTM, rtgenmsg } from '@podwire/kernel/rtnetlink';
import type { RouteSocket } from './rtnetlink.ts';

/** The number by which this namespace knows another one (`peerNetnsId` of links); undefined: it has none. ip-netns(8). */
export function readNsid(socket: RouteSocket, netns: Netns): number | undefined {
  const body = encodeBody(rtgenmsg, {}, nsidAttributes, { fd: netns.fd });
  const op = `ask for the number of namespace ${netns.path}`;
  const [answer] = socket.netlink.request({ type: RTM.GETNSID, flags: 0, body, op });
  const nsid = answer && nsidAttributes.read(attributesAfter(answer.body, rtgenmsg.size)).nsid;
  return nsid === undefined || nsid < 0 ? undefined : nsid;
}

/** Gives a namespace a number, chosen by the kernel unless said; one that it has already stays. Returns its number. */
export function assignNsid(socket: RouteSocket, netns: Netns, nsid = -1): number {
  const body = encodeBody(rtgenmsg, {}, nsidAttributes, { nsid, fd: netns.fd });
  try {
    socket.netlink.request({ type: RTM.NEWNSID, flags: 0, body, op: `give namespace ${netns.path} a number` });
  } catch (error) {
    const present = isErrno(error, 'EEXIST') ? readNsid(socket, netns) : undefined;
    if (present === undefined || (nsid >= 0 && present !== nsid)) throw error;
  }
  return readNsid(socket, netns) ?? nsid;
}
