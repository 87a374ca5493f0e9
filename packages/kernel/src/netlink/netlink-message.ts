import { DecodeError } from '../errors.ts';
import type { AttributesOf, AttributeTable } from './attribute.ts';
import { attributes } from './attribute.ts';
import { ByteWriter } from './byte-writer.ts';
import { s32, s64, struct, text, u16, u32, u64 } from './codec.ts';
import type { NetlinkProtocol } from './netlink-socket.ts';

/** struct nlmsghdr, in front of every message; RFC 3549 section 2.3.2, netlink(7). */
export const messageHeader = struct('nlmsghdr', { length: u32, type: u16, flags: u16, sequence: u32, port: u32 });

export const NLM_F = {
  REQUEST: 1,
  MULTI: 2,
  ACK: 4,
  ECHO: 8,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  /** In an answer of type ERROR. */
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;

export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4, MIN_TYPE: 0x10 } as const;

/** What goes into a message behind its header: the family's own fixed header, then attributes. */
export interface NetlinkMessage {
  readonly type: number;
  /** NLM_F_REQUEST is added by the transport. */
  readonly flags: number;
  readonly body: Uint8Array;
  /** What this message does and to what, for the error: `add route 10.0.0.0/24`. */
  readonly op?: string;
  /** The only protocol it means something to; absent: the socket's. Sent to another, its type would be another request. */
  readonly protocol?: NetlinkProtocol;
}

/** A message of the kernel. */
export interface NetlinkAnswer {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
}

const FIXED = messageHeader.size;

/** What the transport adds to a message. */
export interface Envelope {
  readonly sequence: number;
  readonly flags: number;
}

/** Appends the message with its header. */
export function writeMessage(out: ByteWriter, message: NetlinkMessage, { sequence, flags }: Envelope): void {
  const { type, body } = message;
  writeHeader(out, { length: FIXED + body.length, type, flags: message.flags | flags | NLM_F.REQUEST, sequence });
  out.raw(body);
  out.align();
}

interface Header extends Envelope {
  readonly length: number;
  readonly type: number;
}

/** struct nlmsghdr, as messageHeader writes it. */
export function writeHeader(out: ByteWriter, { length, type, flags, sequence }: Header): void {
  out.u32(length);
  out.u16(type);
  out.u16(flags);
  out.u32(sequence);
  out.u32(0);
}

/** Splits what one recv() returned. The bodies share memory with `bytes`. */
export function readMessages(bytes: Buffer): NetlinkAnswer[] {
  const result: NetlinkAnswer[] = [];
  for (let at = 0; bytes.length - at >= FIXED; ) {
    // as messageHeader reads it, without a detour: lists have hundreds of thousands of messages
    const length = bytes.readUInt32LE(at);
    if (length < FIXED || at + length > bytes.length)
      throw new DecodeError(`a netlink message of length ${length}`, { offset: at });
    const body = bytes.subarray(at + FIXED, at + length);
    const [type, flags] = [bytes.readUInt16LE(at + 4), bytes.readUInt16LE(at + 6)];
    result.push({ type, flags, sequence: bytes.readUInt32LE(at + 8), body });
    at += (length + 3) & ~3;
  }
  return result;
}

/** NL_POLICY_TYPE_ATTR_*: what the kernel would have taken. */
const policyAttributes = attributes('policy', {
  minSigned: [2, s64, 'NL_POLICY_TYPE_ATTR_MIN_VALUE_S'],
  maxSigned: [3, s64, 'NL_POLICY_TYPE_ATTR_MAX_VALUE_S'],
  min: [4, u64, 'NL_POLICY_TYPE_ATTR_MIN_VALUE_U'],
  max: [5, u64, 'NL_POLICY_TYPE_ATTR_MAX_VALUE_U'],
  minLength: [6, u32, 'NL_POLICY_TYPE_ATTR_MIN_LENGTH'],
  maxLength: [7, u32, 'NL_POLICY_TYPE_ATTR_MAX_LENGTH'],
});

/** What the kernel adds to an acknowledgement when asked for extended ones. */
const extackAttributes = attributes('extended acknowledgement', {
  message: [1, text, 'NLMSGERR_ATTR_MSG'],
  offset: [2, u32, 'NLMSGERR_ATTR_OFFS'],
  policy: [4, policyAttributes, 'NLMSGERR_ATTR_POLICY'],
  missing: [5, u32, 'NLMSGERR_ATTR_MISS_TYPE'],
  missingIn: [6, u32, 'NLMSGERR_ATTR_MISS_NEST'],
});

export interface Acknowledgement {
  /** 0: done. */
  readonly errno: number;
  readonly extack?: string | undefined;
  /** Where in the request the offending attribute begins, from its nlmsghdr. */
  readonly offset?: number | undefined;
  /** The type of an attribute that is missing, and where the one begins that it is missing in. */
  readonly missing?: number | undefined;
  readonly missingIn?: number | undefined;
  /** What the attribute may hold: `0 to 16777215`, `at most 15 bytes`. */
  readonly allowed?: string | undefined;
}

/** Reads an ERROR or DONE message; both begin with a negative errno. */
export function readAcknowledgement({ type, flags, body }: NetlinkAnswer): Acknowledgement {
  // a DONE may come without a number; an ERROR that does must not pass for success
  const errno = body.length < 4 && type === NLMSG.DONE ? 0 : Math.max(0, -s32.read(body));
  if (!(flags & NLM_F.ACK_TLVS)) return { errno };
  const details = extackAttributes.read(body.subarray(detailsOffset(type, flags, body)));
  const { message: extack, offset, missing, missingIn, policy } = details;
  return { errno, extack, offset, missing, missingIn, allowed: policy && allowedBy(policy) };
}

function allowedBy(policy: AttributesOf<typeof policyAttributes.rows>): string | undefined {
  const { minLength, maxLength } = policy;
  const [min, max] = [policy.minSigned ?? policy.min, policy.maxSigned ?? policy.max];
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (maxLength !== undefined) return `at most ${maxLength} bytes`;
  return minLength === undefined ? undefined : `at least ${minLength} bytes`;
}

/** An ERROR repeats the request's header, and its body too unless capped; a DONE does not. */
function detailsOffset(type: number, flags: number, body: Buffer): number {
  if (type === NLMSG.DONE) return 4;
  if (flags & NLM_F.CAPPED) return 4 + FIXED;
  return 4 + ((messageHeader.read(body.subarray(4)).length + 3) & ~3);
}

interface FixedHeader<H> {
  readonly size: number;
  write(out: ByteWriter, value: H): void;
}

/** The body of most messages: a fixed header of the family, then attributes of a table. */
export function encodeBody<H, R>(
  header: FixedHeader<H>,
  fields: H,
  table: AttributeTable<R>,
  values: AttributesOf<R>,
): Buffer {
  const out = new ByteWriter();
  header.write(out, fields);
  out.align();
  table.write(out, values);
  return out.finish();
}

/** The attributes behind a fixed header of `size` bytes. */
export function attributesAfter(body: Buffer, size: number): Buffer {
  if (body.length < size) throw new DecodeError(`a message body of ${body.length} bytes; its header alone has ${size}`);
  return body.subarray((size + 3) & ~3);
}
