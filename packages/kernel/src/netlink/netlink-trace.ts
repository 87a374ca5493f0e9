import { writeSync } from 'node:fs';
import { NLA_F_NESTED } from './attribute.ts';
import { headerSize } from './layout.ts';
import { messageHeader, NLM_F, NLMSG } from './netlink-message.ts';
import type { NetlinkProtocol } from './netlink-socket.ts';
import { type Codecs, codecsInside, codecsOf, isNest, mayHoldKeys, secretFrom } from './secret.ts';

const RULE = '----------------\t------------------';
const NLA_F_NET_BYTEORDER = 0x4000;
const NLA_TYPE_MASK = 0x3fff;
const STDERR = 2;

/** Read once: NETLINK_TRACE=1 shows every message that goes to the kernel or comes from it. */
const wanted = process.env.NETLINK_TRACE === '1';

/** Prints the messages of a datagram to standard error, if NETLINK_TRACE is 1. */
export function traceDatagram(direction: 'send' | 'receive', protocol: NetlinkProtocol, datagram: Buffer): void {
  if (!wanted) return;
  writeAll(Buffer.from(`netlink ${protocol} ${direction}\n${formatDatagram(protocol, datagram)}`));
}

const RETRY_MS = 5;
const never = new Int32Array(new SharedArrayBuffer(4));

/** A pipe that whoever started us made non-blocking is waited for: a trace may slow a program down, but not end it. */
function writeAll(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(STDERR, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') return; // nobody reads any more
      Atomics.wait(never, 0, 0, RETRY_MS);
    }
  }
}

/**
 * The messages of a datagram in the layout of `nft --debug=mnl` and of libmnl's mnl_nlmsg_fprintf, without colours:
 *
 *   |  0000000036  |	| message length |
 *   | 02560 | R--- |	|  type | flags  |
 *   | 02 00 00 00  |	|  extra header  |
 *   |00008|--|00001|	|len |flags| type|
 *   | 66 6f 6f 00  |	|      data      |	 f o o
 *
 * Bytes that do not add up to messages are left out. Keys are printed as `** ** ** **`: those of WireGuard and IPsec, and where a
 * codec has `secretFrom`. What podwire has no table for may be a key: without `@podwire/kernel/xfrm` no attribute of IPsec is
 * shown, and of generic families that nobody looked up by `openGenericFamily` none of 16 bytes or more.
 */
export function formatDatagram(protocol: NetlinkProtocol, datagram: Buffer): string {
  const lines: string[] = [];
  for (let at = 0; datagram.length - at >= messageHeader.size; ) {
    const length = datagram.readUInt32LE(at);
    if (length < messageHeader.size || at + length > datagram.length) break;
    lines.push(...messageLines(protocol, datagram.subarray(at, at + length)));
    at += (length + 3) & ~3;
  }
  return lines.map((line) => `${line}\n`).join('');
}

function messageLines(protocol: NetlinkProtocol, message: Buffer): string[] {
  const { length, type, flags, sequence, port } = messageHeader.read(message);
  const body = message.subarray(messageHeader.size);
  const control = type < NLMSG.MIN_TYPE;
  const codecs = control ? undefined : codecsOf(protocol, type, body);
  const extra = codecs ? Math.min(headerSize(protocol, type), body.length) : body.length;
  const shown = control ? shownOfControl(protocol, flags) : codecs ? extra : 0;
  return [
    RULE,
    `|  ${digits(length, 10)}  |\t| message length |`,
    `| ${digits(type, 5)} | ${flagText(flags)} |\t|  type | flags  |`,
    `|  ${digits(sequence, 10)}  |\t| sequence number|`,
    `|  ${digits(port, 10)}  |\t|     port ID    |`,
    RULE,
    ...words(body.subarray(0, extra)).map(
      (word, i) => `| ${i * 4 < shown ? hex(word) : HIDDEN}  |\t|  extra header  |`,
    ),
    ...(codecs ? attributeLines(body.subarray((extra + 3) & ~3), codecs) : []),
    RULE,
  ];
}

/** An error holds errno and nlmsghdr of the request, and behind them, where the socket did not cap it, the request itself. */
const REFUSED_HEADER = 20;

function shownOfControl(protocol: NetlinkProtocol, flags: number): number {
  return mayHoldKeys(protocol) && !(flags & NLM_F.CAPPED) ? REFUSED_HEADER : Infinity;
}

/** Attributes are told from data by the NESTED flag, as libmnl does, and where there may be keys by their tables. */
function attributeLines(bytes: Buffer, codecs: Codecs): string[] {
  const lines: string[] = [];
  for (let at = 0; bytes.length - at >= 4; ) {
    const [length, type] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
    if (length < 4 || at + length > bytes.length) break;
    const flags = `${type & NLA_F_NESTED ? 'N' : '-'}${type & NLA_F_NET_BYTEORDER ? 'B' : '-'}`;
    lines.push(`|${digits(length, 5)}|${flags}|${digits(type & NLA_TYPE_MASK, 5)}|\t|len |flags| type|`);
    const end = (at + length + 3) & ~3;
    const codec = codecs(type & NLA_TYPE_MASK);
    const payload = bytes.subarray(at + 4, at + length);
    if (type & NLA_F_NESTED || isNest(codec)) lines.push(...attributeLines(payload, codecsInside(codec)));
    else lines.push(...dataLines(bytes.subarray(at + 4, end), secretFrom(codec, payload.length)));
    at = end;
  }
  return lines;
}

function dataLines(bytes: Buffer, secretAt: number): string[] {
  return words(bytes).map((word, i) => (i * 4 + 4 > secretAt ? HIDDEN_LINE : dataLine(word)));
}

const HIDDEN = '** ** ** **';
const HIDDEN_LINE = `| ${HIDDEN}  |\t|      data      |\t * * * *`;

function dataLine(word: Buffer): string {
  const characters = [...word].map((byte) => ` ${byte > 31 && byte < 127 ? String.fromCharCode(byte) : ' '}`);
  return `| ${hex(word)}  |\t|      data      |\t${characters.join('')}`;
}

function words(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) => {
    const word = Buffer.alloc(4);
    bytes.copy(word, 0, i * 4);
    return word;
  });
}

const hex = (word: Buffer): string => word.toString('hex').replace(/(..)(?=.)/g, '$1 ');
const digits = (value: number, count: number): string => String(value).padStart(count, '0');
const flagText = (flags: number): string =>
  [
    [NLM_F.REQUEST, 'R'],
    [NLM_F.MULTI, 'M'],
    [NLM_F.ACK, 'A'],
    [NLM_F.ECHO, 'E'],
  ]
    .map(([bit = 0, letter]) => (flags & (bit as number) ? letter : '-'))
    .join('');
