/** Control messages of packet sockets: when a frame passed, how long it was, and the VLAN tag taken off it. */

const CMSG_HEADER = 16;
const SOL_SOCKET = 1;
const SCM_TIMESTAMPNS = 35;
const SOL_PACKET = 263;
const PACKET_AUXDATA = 8;
/** tp_status of struct tpacket_auxdata. */
const TP_STATUS_VLAN_VALID = 1 << 4;
const TP_STATUS_VLAN_TPID_VALID = 1 << 6;
const ETH_P_8021Q = 0x8100;

export interface PacketControl {
  /** Nanoseconds since 1970-01-01 UTC; 0 when the kernel did not say. */
  time: bigint;
  /** Bytes on the wire without the VLAN tag. */
  length: number;
  /** Tag protocol and tag, as in the frame; 0 when there was none. */
  vlan: number;
}

/** Reads the control messages of one frame, `length` bytes at `at`, into `to`. */
export function readPacketControl(view: DataView, at: number, length: number, to: PacketControl): void {
  to.time = 0n;
  to.length = 0;
  to.vlan = 0;
  for (const end = at + length; at + CMSG_HEADER <= end; ) {
    const size = view.getUint32(at, true);
    if (size < CMSG_HEADER) return;
    const level = view.getInt32(at + 8, true);
    const type = view.getInt32(at + 12, true);
    const data = at + CMSG_HEADER;
    if (level === SOL_SOCKET && type === SCM_TIMESTAMPNS)
      to.time = view.getBigInt64(data, true) * 1_000_000_000n + view.getBigInt64(data + 8, true);
    else if (level === SOL_PACKET && type === PACKET_AUXDATA) readAuxiliary(view, data, to);
    at += (size + 7) & ~7;
  }
}

/** struct tpacket_auxdata of linux/if_packet.h. */
function readAuxiliary(view: DataView, data: number, to: PacketControl): void {
  const status = view.getUint32(data, true);
  to.length = view.getUint32(data + 4, true);
  if ((status & TP_STATUS_VLAN_VALID) === 0) return;
  const tpid = status & TP_STATUS_VLAN_TPID_VALID ? view.getUint16(data + 18, true) : ETH_P_8021Q;
  to.vlan = ((tpid << 16) | view.getUint16(data + 16, true)) >>> 0;
}
