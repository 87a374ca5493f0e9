import { DecodeError } from '../errors.ts';
import { addressOf, bpf } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';
import { MAP_TYPES, type MapType } from './map-type.ts';
import {
  ATTACH_TYPES,
  type AttachType,
  LINK_TYPES,
  type LinkType,
  nameOf,
  PROGRAM_TYPES,
  type ProgramType,
} from './program-type.ts';

/** struct bpf_map_info. */
export interface MapInfo {
  /** The number, when the kernel is newer than podwire. */
  readonly type: MapType | number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Bits of MAP_FLAGS and more. */
  readonly flags: number;
  readonly name: string;
}

/** struct bpf_prog_info. */
export interface ProgramInfo {
  readonly type: ProgramType | number;
  readonly id: number;
  /** SHA over the instructions, 16 hexadecimal digits. */
  readonly tag: string;
  readonly name: string;
  /** Bytes of machine code and of instructions after the verifier's changes. */
  readonly jitedSize: number;
  readonly translatedSize: number;
  /** Nanoseconds since the machine was started. */
  readonly loadTime: bigint;
  readonly uid: number;
  readonly mapCount: number;
  readonly gplCompatible: boolean;
  /** Instructions the verifier looked at; 0 before Linux 5.16. */
  readonly verifiedInstructions: number;
  /** Only counted while the sysctl kernel.bpf_stats_enabled is 1. */
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
}

/** struct bpf_link_info. */
export interface LinkInfo {
  readonly type: LinkType | number;
  readonly id: number;
  readonly programId: number;
  /** Where it is attached, for the kinds of links that podwire makes. */
  readonly attachType: AttachType | number | undefined;
  /** Of xdp and tcx links; 0 when the link (or its network namespace) is gone. */
  readonly ifindex: number | undefined;
  /** Of cgroup links: the inode number of the cgroup's directory. */
  readonly cgroupId: bigint | undefined;
  /** Of netns links: the inode number of the namespace. */
  readonly netnsInode: number | undefined;
}

/** Enough for the structures of Linux 6.18; the kernel leaves out what it does not know. */
const INFO_SIZE = 256;

/** A list that the kernel writes beside the structure: where its length and its address stand. */
interface InfoList {
  readonly lengthAt: number;
  readonly addressAt: number;
  /** How many items there is room for. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** The structure that belongs to a descriptor; zeros where the kernel is older. */
export function readInfo(fd: number, label: string, list?: InfoList): Buffer {
  const info = Buffer.alloc(INFO_SIZE);
  if (list !== undefined && list.length > 0) {
    info.writeUInt32LE(list.length, list.lengthAt);
    info.writeBigUInt64LE(addressOf(list.bytes), list.addressAt);
  }
  bpf(BPF.OBJ_GET_INFO_BY_FD, { fd, length: info.length, info }, () => `read the info of BPF ${label}`);
  return info;
}

function need(bytes: Buffer, size: number, what: string): void {
  if (bytes.length < size) throw new DecodeError(`${what} from ${bytes.length} bytes`);
}

function nameAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, end < 0 || end > at + 16 ? at + 16 : end);
}

export function decodeMapInfo(bytes: Buffer): MapInfo {
  need(bytes, 40, 'bpf_map_info');
  const type = bytes.readUInt32LE(0);
  return {
    type: nameOf(MAP_TYPES, type) ?? type,
    id: bytes.readUInt32LE(4),
    keySize: bytes.readUInt32LE(8),
    valueSize: bytes.readUInt32LE(12),
    maxEntries: bytes.readUInt32LE(16),
    flags: bytes.readUInt32LE(20),
    name: nameAt(bytes, 24),
  };
}

export function decodeProgramInfo(bytes: Buffer): ProgramInfo {
  need(bytes, 220, 'bpf_prog_info');
  const type = bytes.readUInt32LE(0);
  return {
    type: nameOf(PROGRAM_TYPES, type) ?? type,
    id: bytes.readUInt32LE(4),
    tag: bytes.toString('hex', 8, 16),
    name: nameAt(bytes, 64),
    jitedSize: bytes.readUInt32LE(16),
    translatedSize: bytes.readUInt32LE(20),
    loadTime: bytes.readBigUInt64LE(40),
    uid: bytes.readUInt32LE(48),
    mapCount: bytes.readUInt32LE(52),
    gplCompatible: (bytes.readUInt32LE(84) & 1) === 1,
    verifiedInstructions: bytes.readUInt32LE(216),
    runTimeNs: bytes.readBigUInt64LE(192),
    runCount: bytes.readBigUInt64LE(200),
  };
}

/** Where the attach type of each kind of link lies; xdp links have none. */
const ATTACH_TYPE_AT: Readonly<Record<string, number>> = { cgroup: 24, netns: 20, tcx: 20, netkit: 20 };

export function decodeLinkInfo(bytes: Buffer): LinkInfo {
  need(bytes, 32, 'bpf_link_info');
  const typeNumber = bytes.readUInt32LE(0);
  const type = nameOf(LINK_TYPES, typeNumber) ?? typeNumber;
  const at = ATTACH_TYPE_AT[type];
  const attachType = at === undefined ? undefined : bytes.readUInt32LE(at);
  return {
    type,
    id: bytes.readUInt32LE(4),
    programId: bytes.readUInt32LE(8),
    attachType: attachType === undefined ? undefined : (nameOf(ATTACH_TYPES, attachType) ?? attachType),
    ifindex: type === 'xdp' || type === 'tcx' || type === 'netkit' ? bytes.readUInt32LE(16) : undefined,
    cgroupId: type === 'cgroup' ? bytes.readBigUInt64LE(16) : undefined,
    netnsInode: type === 'netns' ? bytes.readUInt32LE(16) : undefined,
  };
}
