import { KernelError } from '../errors.ts';
import { layoutOf, nameFault } from './layout.ts';
import { type NetlinkAnswer, type NetlinkMessage, readAcknowledgement } from './netlink-message.ts';
import type { NetlinkProtocol } from './netlink-socket.ts';

/** What a refusal is about. */
interface Refused {
  readonly protocol: NetlinkProtocol;
  /** Asked for only when it is refused. */
  readonly message: () => NetlinkMessage | undefined;
  /** Position of the message in a batch or transaction. */
  readonly index?: number | undefined;
}

/** The kernel's refusal in an ERROR or DONE message, with the attribute it is about; undefined when it says done. */
export function refusalIn(answer: NetlinkAnswer, { protocol, message, index }: Refused): KernelError | undefined {
  const acknowledgement = readAcknowledgement(answer);
  const { errno, extack, offset, allowed } = acknowledgement;
  if (errno === 0) return undefined;
  const refused = message();
  const layout = refused && layoutOf(protocol, refused.type, refused.body);
  const attribute = layout && nameFault(layout, refused.body, acknowledgement);
  return new KernelError({ op: refused?.op ?? 'netlink request', errno, extack, offset, attribute, allowed, index });
}
