import zlib from 'node:zlib';

export type SpdyHeaders = ReadonlyMap<string, string>;

const NAMES = `options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age
  allow authorization cache-control connection content-base content-encoding content-language content-length
  content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since
  if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate
  proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning
  www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin`;
const CODES =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized' +
  '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable';
const TAIL =
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,' +
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

/** The zlib dictionary of SPDY/3 (draft-mbelshe-httpbis-spdy-00, section 2.6.10.1). */
export const SPDY_DICTIONARY: Buffer = Buffer.concat([
  ...NAMES.split(/\s+/).map((name) => counted(name.replace('_', ' '))),
  Buffer.from(CODES + TAIL, 'latin1'),
]);

/** No more than this after decompression: a header block of kubectl has some hundred bytes. */
const BLOCK_LIMIT = 64 * 1024;

function counted(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export function encodeHeaders(headers: SpdyHeaders): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(headers.size);
  return Buffer.concat([count, ...[...headers].flatMap(([name, value]) => [counted(name), counted(value)])]);
}

/** Throws RangeError when the block is cut short. */
export function decodeHeaders(block: Buffer): SpdyHeaders {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    const start = at + 4;
    if (start + length > block.length) throw new RangeError('the SPDY header block is cut short');
    at = start + length;
    return block.toString('latin1', start, at);
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = text();
    headers.set(name.toLowerCase(), text());
  }
  return headers;
}

/** Compresses or expands header blocks. The context lasts as long as the connection: one block after the other. */
export type HeaderCodec = (block: Uint8Array) => Promise<Buffer>;

export function headerInflater(): HeaderCodec {
  const { Z_SYNC_FLUSH } = zlib.constants;
  return codecOver(zlib.createInflate({ dictionary: SPDY_DICTIONARY, flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH }));
}

export function headerDeflater(): HeaderCodec {
  return codecOver(zlib.createDeflate({ dictionary: SPDY_DICTIONARY, flush: zlib.constants.Z_SYNC_FLUSH }));
}

function codecOver(stream: zlib.Inflate | zlib.Deflate): HeaderCodec {
  let failed: Error | undefined;
  let onFailure: (error: Error) => void = () => {};
  stream.on('error', (error) => {
    failed = error;
    onFailure(error);
  });
  return (block) =>
    new Promise((resolve, reject) => {
      if (failed) {
        reject(failed);
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      const take = (chunk: Buffer): void => {
        size += chunk.length;
        if (size > BLOCK_LIMIT) stream.destroy(new RangeError('the SPDY header block is too large'));
        else chunks.push(chunk);
      };
      onFailure = reject;
      stream.on('data', take);
      stream.write(block, () =>
        stream.flush(zlib.constants.Z_SYNC_FLUSH, () => {
          stream.off('data', take);
          resolve(Buffer.concat(chunks));
        }),
      );
    });
}
