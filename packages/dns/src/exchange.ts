import { randomInt } from 'node:crypto';
import { PodwireError } from '@podwire/base';
import { FLAG, HEADER_SIZE, SAFE_UDP_SIZE, TYPE } from './numbers.ts';
import type { SocketAddress, SocketSource } from './sockets.ts';
import { FrameReader, frame } from './tcp-frames.ts';
import { answersQuery } from './upstream-answer.ts';

/** A question for an upstream server: the bytes of name, type and class, and the two bits that change the answer. */
export interface Question {
  readonly bytes: Buffer;
  /** DO. */
  readonly dnssecOk: boolean;
  /** CD. */
  readonly checkingDisabled: boolean;
}

/** A query with an id of its own, recursion desired, and EDNS for answers up to 1232 bytes. */
export function buildQuery(question: Question): Buffer {
  const packet = Buffer.alloc(HEADER_SIZE + question.bytes.length + 11);
  packet.writeUInt16BE(randomInt(0x1_0000), 0);
  packet.writeUInt16BE(FLAG.RD | (question.checkingDisabled ? FLAG.CD : 0), 2);
  packet.writeUInt16BE(1, 4);
  packet.writeUInt16BE(1, 10);
  const opt = HEADER_SIZE + question.bytes.copy(packet, HEADER_SIZE);
  packet.writeUInt16BE(TYPE.OPT, opt + 1);
  packet.writeUInt16BE(SAFE_UDP_SIZE, opt + 3);
  packet.writeUInt32BE(question.dnssecOk ? 0x8000 : 0, opt + 5);
  return packet;
}

function timedOut(to: SocketAddress, timeout: number): PodwireError {
  return new PodwireError('DNS_UPSTREAM', `resolver ${to.address} port ${to.port} did not answer in ${timeout} ms`);
}

/**
 * Asks one server over UDP, from a port of its own (RFC 5452); what does not answer the query is ignored. An answer
 * that was cut off is asked for again over TCP.
 */
export async function exchange(
  sockets: SocketSource,
  to: SocketAddress,
  question: Question,
  timeout: number,
): Promise<Buffer> {
  const query = buildQuery(question);
  const questionEnd = HEADER_SIZE + question.bytes.length;
  const deadline = performance.now() + timeout;
  const answer = await exchangeUdp(sockets, to, { query, questionEnd, timeout });
  if ((answer.readUInt16BE(2) & FLAG.TC) === 0) return answer;
  const left = deadline - performance.now();
  try {
    return await exchangeTcp(sockets, to, { query, questionEnd, timeout: Math.max(1, Math.ceil(left)) });
  } catch {
    return answer; // cut off is better than nothing; the client sees TC
  }
}

interface Attempt {
  readonly query: Buffer;
  readonly questionEnd: number;
  /** ms */
  readonly timeout: number;
}

/** An answer that came while this thread stood still is read between a timer and setImmediate(). */
const afterReading = (act: () => void, ms: number): NodeJS.Timeout => setTimeout(() => setImmediate(act), ms);

async function exchangeUdp(sockets: SocketSource, to: SocketAddress, attempt: Attempt): Promise<Buffer> {
  const socket = await sockets.bindUdp({ address: to.address.includes(':') ? '::' : '0.0.0.0', port: 0 });
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const timer = afterReading(() => reject(timedOut(to, attempt.timeout)), attempt.timeout);
  socket.on('message', (packet: Buffer) => {
    if (answersQuery(packet, attempt.query, attempt.questionEnd)) resolve(packet);
  });
  socket.on('error', reject);
  // connected: the kernel drops what others send, and tells when the port is closed
  socket.connect(to.port, to.address, (error?: Error) => {
    if (error) return reject(error);
    socket.send(attempt.query, (failed) => failed && reject(failed));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

async function exchangeTcp(sockets: SocketSource, to: SocketAddress, attempt: Attempt): Promise<Buffer> {
  const socket = await sockets.connectTcp(to, attempt.timeout);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const timer = afterReading(() => reject(timedOut(to, attempt.timeout)), attempt.timeout);
  const reader = new FrameReader();
  socket.on('data', (chunk: Buffer) => {
    for (const packet of reader.push(chunk))
      if (answersQuery(packet, attempt.query, attempt.questionEnd)) resolve(packet);
  });
  socket.on('error', reject).on('close', () => reject(timedOut(to, attempt.timeout)));
  socket.write(frame(attempt.query));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
