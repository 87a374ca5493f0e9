import { CONTROL_SIZE, type MessageBatch, NAME_SIZE } from './message-batch.ts';
import { type PacketControl, readPacketControl } from './packet-control.ts';

/** PACKET_OUTGOING of sockaddr_ll, packet(7). */
const PACKET_OUTGOING = 4;
/** Offsets in struct sockaddr_ll. */
const LL = { protocol: 2, ifIndex: 4, hardwareType: 8, packetType: 10, addressLength: 11, address: 12 } as const;
const SLL2_SIZE = 20;
const MAC_ADDRESSES = 12;
const VLAN_TAG = 4;

export interface Frame {
  /**
   * From the link's header on (Ethernet: with its VLAN tag, tun: none); from all links, behind a LINKTYPE_LINUX_SLL2
   * header, as files have it. The bytes are the receiver's to keep.
   */
  readonly bytes: Buffer;
  /** Whether the link sent it or received it. */
  readonly direction: 'in' | 'out';
  /** When the kernel saw it: nanoseconds since 1970-01-01 UTC. */
  readonly time: bigint;
  /** Bytes of the whole frame, of which `bytes` has the first. */
  readonly length: number;
  /** The link it was seen on. */
  readonly ifIndex: number;
}

/** Makes frames of received messages. */
export class FrameReader {
  readonly #batch: MessageBatch;
  readonly #cooked: boolean;
  readonly #control: PacketControl = { time: 0n, length: 0, vlan: 0 };

  constructor(batch: MessageBatch, cooked: boolean) {
    this.#batch = batch;
    this.#cooked = cooked;
  }

  read(i: number): Frame {
    const { names, control, data, size } = this.#batch;
    readPacketControl(control, i * CONTROL_SIZE, this.#batch.controlLengthOf(i), this.#control);
    const name = i * NAME_SIZE;
    const kept = data.subarray(i * size, i * size + this.#batch.lengthOf(i));
    const ahead = this.#cooked ? sll2Header(names, name) : undefined;
    const bytes = ahead ? Buffer.concat([ahead, kept]) : withVlan(kept, this.#control.vlan);
    const { time, length } = this.#control;
    return {
      bytes,
      direction: names.readUInt8(name + LL.packetType) === PACKET_OUTGOING ? 'out' : 'in',
      time,
      length: Math.max(length + bytes.length - kept.length, bytes.length),
      ifIndex: names.readInt32LE(name + LL.ifIndex),
    };
  }
}

/** The kernel takes the VLAN tag off; on the wire it follows the MAC addresses. */
function withVlan(kept: Buffer, vlan: number): Buffer {
  if (vlan === 0 || kept.length < MAC_ADDRESSES) return Buffer.from(kept);
  const bytes = Buffer.allocUnsafe(kept.length + VLAN_TAG);
  kept.copy(bytes, 0, 0, MAC_ADDRESSES);
  bytes.writeUInt32BE(vlan, MAC_ADDRESSES);
  kept.copy(bytes, MAC_ADDRESSES + VLAN_TAG, MAC_ADDRESSES);
  return bytes;
}

/** LINKTYPE_LINUX_SLL2, from a struct sockaddr_ll. */
function sll2Header(names: Buffer, at: number): Buffer {
  const header = Buffer.alloc(SLL2_SIZE);
  names.copy(header, 0, at + LL.protocol, at + LL.ifIndex); // in network order already
  header.writeInt32BE(names.readInt32LE(at + LL.ifIndex), 4);
  header.writeUInt16BE(names.readUInt16LE(at + LL.hardwareType), 8);
  header.writeUInt8(names.readUInt8(at + LL.packetType), 10);
  header.writeUInt8(names.readUInt8(at + LL.addressLength), 11);
  names.copy(header, 12, at + LL.address, at + LL.address + 8);
  return header;
}
