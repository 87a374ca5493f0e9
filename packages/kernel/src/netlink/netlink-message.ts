import { DecodeError } from '../errors.ts';
import type { AttributesOf, AttributeTable } from './attribute.ts';
import { attributes } from './attribute.ts';
import { ByteWriter } from './byte-writer.ts';
import { s32, struct, text, u16, u32 } from './codec.ts';

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
}

/** A message of the kernel. */
export interface NetlinkAnswer {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
}

const FIXED = messageHeader.size;

/** Appends the message with its header. */
export function writeMessage(out: ByteWriter, message: NetlinkMessage, sequence: number): void {
  const { type, flags, body } = message;
  messageHeader.write(out, { length: FIXED + body.length, type, flags: flags | NLM_F.REQUEST, sequence });
  out.raw(body);
  out.align();
}

/** Splits what one recv() returned. The bodies share memory with `bytes`. */
export function readMessages(bytes: Buffer): NetlinkAnswer[] {
  const result: NetlinkAnswer[] = [];
  for (let at = 0; bytes.length - at >= FIXED; ) {
    const { length, type, flags, sequence } = messageHeader.read(bytes.subarray(at, at + FIXED));
    if (length < FIXED || at + length > bytes.length)
      throw new DecodeError(`netlink message of length ${length} at ${at}`);
    result.push({ type, flags, sequence, body: bytes.subarray(at + FIXED, at + length) });
    at += (length + 3) & ~3;
  }
  return result;
}

/** NLMSGERR_ATTR_*: what the kernel adds to an acknowledgement when asked for extended ones. */
const extackAttributes = attributes('extended acknowledgement', {
  message: [1, text], // NLMSGERR_ATTR_MSG
  offset: [2, u32], // NLMSGERR_ATTR_OFFS
});

export interface Acknowledgement {
  /** 0: done. */
  readonly errno: number;
  readonly extack: string | undefined;
  readonly offset: number | undefined;
}

/** Reads an ERROR or DONE message; both begin with a negative errno. */
export function readAcknowledgement({ type, flags, body }: NetlinkAnswer): Acknowledgement {
  const errno = body.length >= 4 ? -s32.read(body) : 0;
  const noDetails = { errno, extack: undefined, offset: undefined };
  if (!(flags & NLM_F.ACK_TLVS)) return noDetails;
  const details = extackAttributes.read(body.subarray(detailsOffset(type, flags, body)));
  return { errno, extack: details.message, offset: details.offset };
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
