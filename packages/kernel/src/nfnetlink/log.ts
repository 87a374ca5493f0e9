import { encodeError, isErrno, KernelError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { NetlinkExchange } from '../netlink/netlink-exchange.ts';
import {
  encodeBody,
  type NetlinkAnswer,
  type NetlinkMessage,
  NLMSG,
  readMessages,
} from '../netlink/netlink-message.ts';
import { type NetlinkSocket, noAnswer, openNetlinkSocket, receiveDatagram } from '../netlink/netlink-socket.ts';
import { refusalIn } from '../netlink/refusal.ts';
import { watchNetlinkSocket } from '../netlink/subscription.ts';
import type { Netns } from '../netns/netns.ts';
import { inNetns, orClose } from '../socket/inet-socket.ts';
import { type Watch, watchOf } from '../socket/readable-watch.ts';
import { decodeLogPacket, type LogPacket } from './log-packet.ts';
import { LOG_MSG, logConfigAttributes } from './log-table.ts';
import { NFNL_SUBSYS, NFPROTO, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

/** Packets that rules log, by nfnetlink_log; net/netfilter/nfnetlink_log.c. */

type Config = AttributesOf<typeof logConfigAttributes.rows>;
const PACKET = nfnetlinkType(NFNL_SUBSYS.LOG, LOG_MSG.PACKET);
const CONFIG = nfnetlinkType(NFNL_SUBSYS.LOG, LOG_MSG.CONFIG);

export interface LogOptions {
  /** Default: where the calling thread is. */
  readonly netns?: Netns;
  /** 0 to 65535, as in the rule: `log group 5`. One socket of a namespace may have it. */
  readonly group: number;
  /** The packet, or only what is known about it; default `packet`. */
  readonly copy?: 'packet' | 'meta';
  /** At most so many bytes of each packet; default: all. A rule's `snaplen` may say less. */
  readonly range?: number;
  /** Number the packets; default false. */
  readonly sequence?: boolean;
  readonly globalSequence?: boolean;
  /** Tell the connection each packet belongs to; default false. EOPNOTSUPP: built without CONFIG_NETFILTER_NETLINK_GLUE_CT. */
  readonly connection?: boolean;
  /** The kernel waits until it has so many packets (default 100; a rule's `queue-threshold` may say less) ... */
  readonly threshold?: number;
  /** ... or until so many milliseconds have gone (in steps of 10, default 1000) ... */
  readonly timeout?: number;
  /** ... or until so many bytes are full (default about a page, at most 131,072). */
  readonly bufferSize?: number;
  /** The packets of one datagram, in order. */
  readonly onPackets: (packets: readonly LogPacket[]) => void;
  /** The buffer overflowed (ENOBUFS): packets are gone; `sequence` would tell how many. */
  readonly onLost: () => void;
}

/**
 * Binds a log group and hands over its packets, on the event loop. The group is free again when the subscription is
 * stopped, which may be done from its own callbacks; until then it keeps the event loop alive. EPERM: another has it.
 */
export function subscribeLog(options: LogOptions): Watch {
  const { onPackets, onLost } = options;
  const { socket, early } = bindLogGroup(options);
  const onMessages = (messages: readonly NetlinkAnswer[]) => {
    const packets = messages.filter(({ type }) => type === PACKET).map(({ body }) => decodeLogPacket(body));
    if (packets.length > 0) onPackets(packets);
  };
  const watch = watchNetlinkSocket(socket, { protocol: 'netfilter', onMessages, onLost, keepAfterLoss: true });
  const first = setImmediate(() => onMessages(early));
  return watchOf(() => {
    clearImmediate(first);
    watch.stop();
  });
}

type BindOptions = Omit<LogOptions, 'onPackets' | 'onLost'>;

/** A socket that has the group, and what came before the kernel said so; the descriptor is the caller's to close. */
export function bindLogGroup(options: BindOptions): { socket: NetlinkSocket; early: readonly NetlinkAnswer[] } {
  const { netns, group } = options;
  const message = configMessage({ resource: group }, configOf(options), `bind log group ${group}`);
  const socket = inNetns(netns, () => openNetlinkSocket('netfilter'));
  return { socket, early: orClose(socket.fd, () => configure(socket, message)) };
}

function configOf(options: BindOptions): Config {
  const { group, copy = 'packet', range = 0, threshold, timeout, bufferSize } = options;
  if (!Number.isInteger(group) || group < 0 || group > 0xffff)
    throw encodeError(`log group ${group}: 0 to 65535 are possible`).within('group');
  const flags = [
    ...(options.sequence ? (['sequence'] as const) : []),
    ...(options.globalSequence ? (['global-sequence'] as const) : []),
    ...(options.connection ? (['conntrack'] as const) : []),
  ];
  return {
    command: 'bind',
    mode: { mode: copy, range },
    ...(flags.length > 0 && { flags }),
    threshold,
    timeout: timeout === undefined ? undefined : Math.ceil(timeout / 10),
    bufferSize,
  };
}

function configMessage(header: { family?: number; resource?: number }, config: Config, op: string): NetlinkMessage {
  return { type: CONFIG, flags: 0, body: encodeBody(nfgenmsg, header, logConfigAttributes, config), op };
}

/** Sends the one request that this socket makes; returns packets that came before its answer. */
function configure(socket: NetlinkSocket, message: NetlinkMessage): NetlinkAnswer[] {
  const { sequence, op } = new NetlinkExchange('netfilter', socket).send([message], 0);
  const early: NetlinkAnswer[] = [];
  for (;;) {
    const received = receiveDatagram(socket, 'netfilter');
    if (!Buffer.isBuffer(received)) throw noAnswer(op);
    for (const answer of readMessages(received)) {
      if (answer.type !== NLMSG.ERROR || answer.sequence !== sequence) early.push(answer);
      else {
        const refusal = refusalIn(answer, { protocol: 'netfilter', message: () => message });
        if (refusal) throw isErrno(refusal, 'EPERM') ? taken(refusal) : refusal;
        return early;
      }
    }
  }
}

function taken({ op, errno }: KernelError): KernelError {
  const advice = 'another socket has the group, or the capability CAP_NET_ADMIN is missing';
  return new KernelError({ op, errno, advice });
}

/** Families whose packets the kernel itself may log: `net.netfilter.nf_conntrack_log_invalid`, iptables' TRACE. */
export type LogFamily = 'ip' | 'ip6' | 'arp' | 'bridge' | 'netdev';

/**
 * Makes nfnetlink_log (group 0) the logger of a family in the netns of the socket, which is of the protocol `netfilter`, for
 * what the kernel logs without a rule; it stays so until unbindLogFamily. Rules with a group need no such binding.
 */
export function bindLogFamily(netlink: Netlink, family: LogFamily): void {
  netlink.request(
    configMessage(
      { family: NFPROTO[family] },
      { command: 'family-bind' },
      `make nfnetlink_log the log of family ${family}`,
    ),
  );
}

/** Takes the family's logger away, whichever it is. */
export function unbindLogFamily(netlink: Netlink, family: LogFamily): void {
  netlink.request(
    configMessage({ family: NFPROTO[family] }, { command: 'family-unbind' }, `take the log of family ${family} away`),
  );
}
