/** What the shim sends: the CNI_ variables of its environment and the whole of its stdin. */
export interface CniRequest {
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/** Enough for a configuration with thousands of valid attachments; more is a mistake. */
export const MAX_FRAME = 4 << 20;
const HEADER = 4;

/** `length (4 bytes, big endian) | JSON`, the one message each way on the CNI socket. */
export function encodeFrame(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

export type FrameState =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'complete'; readonly message: unknown }
  | { readonly kind: 'broken'; readonly reason: string };

/** Reads the frame at the start of the bytes received so far. Never throws. */
export function decodeFrame(bytes: Buffer): FrameState {
  if (bytes.length < HEADER) return { kind: 'incomplete' };
  const length = bytes.readUInt32BE(0);
  if (length > MAX_FRAME)
    return { kind: 'broken', reason: `a message of ${length} bytes; at most ${MAX_FRAME} are read` };
  if (bytes.length < HEADER + length) return { kind: 'incomplete' };
  try {
    return { kind: 'complete', message: JSON.parse(bytes.toString('utf8', HEADER, HEADER + length)) };
  } catch {
    return { kind: 'broken', reason: 'a message that is not JSON' };
  }
}
