import { PodwireError } from '@podwire/base';
import { DnsDecodeError } from './errors.ts';

/**
 * Domain names. As text: labels joined by dots, no dot at the end, the root is ''; bytes that are not plain printable
 * are `\DDD`, a dot or backslash inside a label is escaped (RFC 4343). As bytes: length-prefixed labels and a zero.
 */
const MAX_NAME = 255;
const MAX_LABEL = 63;

function bad(text: string, why: string): PodwireError {
  return new PodwireError('DNS_BAD_NAME', `"${text.slice(0, 300)}" is not a domain name: ${why}`);
}

function formatLabel(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}

/**
 * Reads a name that may be compressed. Every pointer must point before the run of labels it ends, so reading always
 * comes to an end. Returns the text and the offset behind the name.
 */
export function readName(bytes: Uint8Array, offset: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = offset;
  let runStart = offset;
  let end = -1;
  let size = 1;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw new DnsDecodeError('name is cut short', at);
    if (length === 0) return { name: labels.join('.'), end: end < 0 ? at + 1 : end };
    if (length >= 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) throw new DnsDecodeError('pointer is cut short', at);
      const target = ((length & 0x3f) << 8) | low;
      if (target >= runStart) throw new DnsDecodeError('pointer does not point backwards', at);
      if (end < 0) end = at + 2;
      at = runStart = target;
      continue;
    }
    if (length > MAX_LABEL) throw new DnsDecodeError('label type is unknown', at);
    if (at + 1 + length > bytes.length) throw new DnsDecodeError('label is cut short', at);
    size += length + 1;
    if (size > MAX_NAME) throw new DnsDecodeError('name is over 255 bytes', at);
    labels.push(formatLabel(bytes, at + 1, at + 1 + length));
    at += length + 1;
  }
}

/** The offset behind a name, without reading what a pointer points at. */
export function skipName(bytes: Uint8Array, offset: number): number {
  let at = offset;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw new DnsDecodeError('name is cut short', at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > MAX_LABEL) throw new DnsDecodeError('label type is unknown', at);
    at += length + 1;
  }
}

/** The uncompressed bytes of a name. Throws DNS_BAD_NAME. */
export function encodeName(text: string): Buffer {
  const wire: number[] = [0];
  let lengthAt = 0;
  const closeLabel = () => {
    const length = wire.length - lengthAt - 1;
    if (length === 0) throw bad(text, 'it has an empty label');
    if (length > MAX_LABEL) throw bad(text, 'it has a label of more than 63 bytes');
    wire[lengthAt] = length;
    lengthAt = wire.push(0) - 1;
  };
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code === 0x2e) {
      closeLabel();
      continue;
    }
    if (code === 0x5c) {
      const digits = /^\d{3}/.exec(text.slice(i + 1, i + 4))?.[0];
      code = digits === undefined ? text.charCodeAt(i + 1) : Number(digits);
      i += digits === undefined ? 1 : 3;
    }
    if (!(code <= 255)) throw bad(text, 'it has a character or an escape that is not one byte; write it in punycode');
    wire.push(code);
  }
  if (text !== '') closeLabel();
  if (wire.length > MAX_NAME) throw bad(text, 'it is over 255 bytes');
  return Buffer.from(wire);
}

const HOST_LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** Whether text is made of letters, digits, hyphens and underscores only, as names out of API objects must be. */
export function isHostName(text: string): boolean {
  return text.length > 0 && text.length <= MAX_NAME - 2 && text.split('.').every((label) => HOST_LABEL.test(label));
}

/** Whether text can be one label; 62 bytes, so that an underscore may still go in front. */
export function isHostLabel(text: string): boolean {
  return text.length <= MAX_LABEL - 1 && HOST_LABEL.test(text);
}

/**
 * The key a name has in tables: its uncompressed bytes without the last zero, lower case, one character a byte.
 * Length bytes are below 64, so lowering letters never touches them.
 */
export function nameKey(text: string): string {
  const encoded = encodeName(text);
  return lowerAscii(encoded.toString('latin1', 0, encoded.length - 1));
}

export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase());
}

/** The key without its first label; undefined for the root. */
export function parentKey(key: string): string | undefined {
  return key === '' ? undefined : key.slice(key.charCodeAt(0) + 1);
}
