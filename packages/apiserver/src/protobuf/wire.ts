import { isUtf8 } from 'node:buffer';
import type { PodwireError } from '@podwire/base';
import { badRequest } from '../core/status.ts';

/** One field as it stands in a message; the wire type says which value it has. */
export type WireField =
  | { readonly number: number; readonly wireType: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly wireType: 'bytes'; readonly value: Buffer }
  | { readonly number: number; readonly wireType: 'fixed' };

const VARINT_BYTES = 10;
/** Numbers up to 2^28 - 1 take four bytes at most. */
const SHORT_VARINT_BYTES = 4;
const LAST_FIELD = 2 ** 29 - 1;

export function malformed(why: string): PodwireError {
  return badRequest(`error decoding the body as protobuf: ${why}`);
}

/**
 * The fields of a message in their order on the wire; throws 400 for anything that is no message.
 * Groups are refused: proto2 dropped them and no Kubernetes message has any.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function* wireFields(bytes: Buffer): Generator<WireField> {
  const reader = new Reader(bytes);
  while (!reader.atEnd) {
    const tag = Number(reader.varint());
    const number = Math.floor(tag / 8);
    if (number < 1 || number > LAST_FIELD) throw malformed(`illegal tag ${number}`);
    yield reader.field(number, tag % 8);
  }
}

/** The values of a repeated number in its packed form. */
export function* packedVarints(bytes: Buffer): Generator<bigint> {
  const reader = new Reader(bytes);
  while (!reader.atEnd) yield reader.varint();
}

export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw malformed('a string is not valid UTF-8');
  return bytes.toString('utf8');
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let short = 0;
    let long = 0n;
    for (let n = 0; n < VARINT_BYTES; n++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw malformed('unexpected EOF');
      if (n < SHORT_VARINT_BYTES) short |= (byte & 127) << (7 * n);
      else long |= BigInt(byte & 127) << BigInt(7 * n);
      if (byte < 128) return BigInt.asUintN(64, BigInt(short) | long);
    }
    throw malformed('integer overflow');
  }

  field(number: number, wireType: number): WireField {
    switch (wireType) {
      case 0:
        return { number, wireType: 'varint', value: this.varint() };
      case 1:
      case 5:
        this.#take(wireType === 1 ? 8 : 4);
        return { number, wireType: 'fixed' };
      case 2:
        return { number, wireType: 'bytes', value: this.#take(Number(this.varint())) };
      default:
        throw malformed(`illegal wireType ${wireType}`);
    }
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed('unexpected EOF');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
