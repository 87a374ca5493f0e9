import { ByteWriter } from './byte-writer.ts';
import { type NetlinkMessage, NLM_F, writeHeader } from './netlink-message.ts';

/** Requests of one type whose bodies are written straight into the datagrams. */
export interface EncodedRequests {
  readonly type: number;
  readonly flags: number;
  readonly count: number;
  /**
   * Appends the body of one request: the family's own header, then attributes. A request that is refused is written a
   * second time, for the error.
   */
  write(out: ByteWriter, index: number): void;
  /** What the request does and to what, asked for when it is refused. */
  op(index: number): string;
}

/** Some of the requests, written already. */
export interface EncodedDatagram {
  readonly bytes: Buffer;
  /** Index of the first one, and how many there are. */
  readonly at: number;
  readonly count: number;
}

/** How much goes into one datagram. */
export interface DatagramLimit {
  readonly messages: number;
  /** Except that a single message is never split. */
  readonly bytes: number;
}

/** A guess that is right for routes; the writer grows. */
const TYPICAL_BYTES = 72;

/** Writes all requests, numbered from `sequence` on; the last one of each datagram asks for an acknowledgement. */
export function encodeRequests(requests: EncodedRequests, sequence: number, limit: DatagramLimit): EncodedDatagram[] {
  const datagrams: EncodedDatagram[] = [];
  for (let at = 0; at < requests.count; ) {
    const datagram = encodeDatagram(requests, { sequence, at, limit });
    datagrams.push(datagram);
    at += datagram.count;
  }
  return datagrams;
}

interface Place {
  readonly sequence: number;
  readonly at: number;
  readonly limit: DatagramLimit;
}

const FLAGS_AT = 6;

function encodeDatagram(requests: EncodedRequests, { sequence, at, limit }: Place): EncodedDatagram {
  const { type, flags } = requests;
  const end = Math.min(at + limit.messages, requests.count);
  const out = new ByteWriter((end - at) * TYPICAL_BYTES);
  let [index, start] = [at, 0];
  do {
    start = out.length;
    writeHeader(out, { length: 0, type, flags: flags | NLM_F.REQUEST, sequence: sequence + index });
    requests.write(out, index);
    out.patchU32(start, out.length - start);
    out.align();
    index++;
  } while (index < end && out.length < limit.bytes);
  out.patchU16(start + FLAGS_AT, flags | NLM_F.REQUEST | NLM_F.ACK);
  return { bytes: out.finish(), at, count: index - at };
}

/** One of the requests as a message, for errors. */
export function requestAt(requests: EncodedRequests, index: number): NetlinkMessage {
  const out = new ByteWriter();
  requests.write(out, index);
  return { type: requests.type, flags: requests.flags, body: out.finish(), op: requests.op(index) };
}
