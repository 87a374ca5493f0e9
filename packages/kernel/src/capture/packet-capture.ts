import {
  openPacketSocket,
  type PacketSocket,
  type PacketSocketOptions,
  type PacketStatistics,
} from '../socket/packet-socket.ts';
import type { ClassicInstruction } from './classic-bpf.ts';
import { type Filter, formatFilter } from './filter.ts';
import { LINK_TYPE } from './pcapng-block.ts';
import type { PcapngWriter } from './pcapng-writer.ts';

export interface PacketCaptureOptions extends Omit<PacketSocketOptions, 'onFrame'> {
  /** The interface's name in the file; default the link's, or `any`. */
  readonly name?: string;
  readonly description?: string;
}

export interface PacketCapture extends Disposable {
  /** Number of the interface in the file. */
  readonly interface: number;
  statistics(): PacketStatistics;
  /** Closes the socket and writes what it counted; the writer stays open. A second call does nothing. */
  stop(): void;
}

/**
 * Writes what passes on a link, or on all links, to a capture file. While the file's stream is full the frames wait in the
 * kernel, which drops and counts what does not fit. Throws as openPacketSocket.
 *
 * Several captures may share a writer. Wireshark reads such a file whatever is in it; tcpdump only if all interfaces have one
 * link type (so no capture of all links beside one of a link, none of a tun link beside one of a veth) and one snapLength.
 */
export function capturePackets(writer: PcapngWriter, options: PacketCaptureOptions): PacketCapture {
  const { name = options.link ?? 'any', description, filter, snapLength = 0 } = options;
  let last = 0n;
  let isWaiting = false;
  const socket = openPacketSocket({
    ...options,
    onFrame({ bytes, time, length, direction }) {
      last = time;
      if (writer.packet({ interface: number, bytes, time, length, direction }) || isWaiting) return;
      isWaiting = true;
      socket.pause();
      writer.drained().then(resume, stop);
    },
  });
  const number = orClosed(socket, () =>
    writer.addInterface({
      linkType: linkTypeOf(options),
      snapLength,
      name,
      ...(description === undefined ? {} : { description }),
      ...(isFilter(filter) ? { filter: formatFilter(filter) } : {}),
    }),
  );
  let isOpen = true;

  function resume(): void {
    isWaiting = false;
    if (isOpen) socket.resume();
  }

  function stop(): void {
    if (!isOpen) return;
    isOpen = false;
    const { received, dropped } = orClosed(socket, () => socket.statistics());
    socket.close();
    writer.statistics({ interface: number, time: last, received, dropped });
  }

  return { interface: number, statistics: () => socket.statistics(), stop, [Symbol.dispose]: stop };
}

/** Runs `fn` and closes the socket if that throws. */
function orClosed<T>(socket: PacketSocket, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    socket.close();
    throw error;
  }
}

function linkTypeOf({ link, linkLayer }: PacketCaptureOptions): number {
  if (link === undefined) return LINK_TYPE.sll2;
  return linkLayer === 'ip' ? LINK_TYPE.raw : LINK_TYPE.ethernet;
}

function isFilter(filter: Filter | readonly ClassicInstruction[] | undefined): filter is Filter {
  return filter !== undefined && !Array.isArray(filter);
}
