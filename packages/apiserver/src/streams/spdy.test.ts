import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { resizeReader } from './exec-session.ts';
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts';
import { controlFrame, dataFrame, FLAG_FIN, FRAME, FrameReader, u32 } from './spdy-frames.ts';
import { decodeHeaders, encodeHeaders, headerDeflater, headerInflater, SPDY_DICTIONARY } from './spdy-headers.ts';

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

test('the dictionary is that of the specification', () => {
  assert.equal(SPDY_DICTIONARY.length, 1423);
  assert.equal(adler32(SPDY_DICTIONARY).toString(16), 'e3c6a7c2');
});

test('headers survive any text, and a block cut short is refused', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), fc.stringMatching(/^[ -~]{0,50}$/)),
      fc.nat(),
      (object, cut) => {
        const headers = new Map(Object.entries(object));
        const block = encodeHeaders(headers);
        assert.deepEqual(decodeHeaders(block), headers);
        if (headers.size > 0) assert.throws(() => decodeHeaders(block.subarray(0, cut % block.length)), RangeError);
      },
    ),
  );
});

test('header contexts last: the second block is short', async () => {
  const [deflate, inflate] = [headerDeflater(), headerInflater()];
  const block = encodeHeaders(
    new Map([
      ['streamtype', 'data'],
      ['port', '80'],
      ['some-own-header', 'with-a-value'],
    ]),
  );
  const [first, second] = [await deflate(block), await deflate(block)];
  assert.ok(second.length < first.length);
  assert.deepEqual([await inflate(first), await inflate(second)], [block, block]);
  await assert.rejects(inflate(Buffer.from('garbage')));
});

test('frames come out whole however they are cut', () => {
  const frames = [
    controlFrame(FRAME.ping, 0, u32(7)),
    dataFrame(3, FLAG_FIN, Buffer.from('hello')),
    dataFrame(1, 0, Buffer.alloc(0)),
  ];
  const all = Buffer.concat(frames);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 })), (cuts) => {
      const reader = new FrameReader();
      const found: unknown[] = [];
      let at = 0;
      for (const size of [...cuts, all.length]) {
        reader.push(all.subarray(at, at + size));
        at += size;
        for (let frame = reader.next(); frame; frame = reader.next()) found.push(frame);
      }
      assert.deepEqual(found, [
        { control: true, type: FRAME.ping, flags: 0, body: u32(7) },
        { control: false, stream: 3, flags: FLAG_FIN, body: Buffer.from('hello') },
        { control: false, stream: 1, flags: 0, body: Buffer.alloc(0) },
      ]);
    }),
  );
});

async function openStream(
  io: Duplex,
  id: number,
  headers: [string, string][],
  deflate = headerDeflater(),
): Promise<void> {
  const block = await deflate(encodeHeaders(new Map(headers)));
  io.write(controlFrame(FRAME.synStream, 0, u32(id), u32(0), Buffer.alloc(2), block));
}

/** Length of the data frames in what a client received. */
function dataIn(chunks: readonly Buffer[]): number {
  const reader = new FrameReader();
  for (const chunk of chunks) reader.push(chunk);
  let total = 0;
  for (let frame = reader.next(); frame; frame = reader.next()) if (!frame.control) total += frame.body.length;
  return total;
}

test('a stream echoes far more than a window', async () => {
  const [client, server] = duplexPair();
  const connection = new SpdyConnection(server);
  connection.on('stream', (stream) => stream.pipe(stream));
  const received: Buffer[] = [];
  client.on('data', (chunk: Buffer) => received.push(chunk));
  await openStream(client, 1, [['streamtype', 'data']]);
  client.write(dataFrame(1, FLAG_FIN, Buffer.alloc(2_000_000, 'x')));
  while (dataIn(received) < 2_000_000) await once(client, 'data');
  client.end();
  await once(connection, 'close');
});

test('a stream nobody reads stops the connection instead of filling memory, and a reset frees it', async () => {
  const [client, server] = duplexPair({ highWaterMark: 1024 });
  const connection = new SpdyConnection(server);
  const opened = once(connection, 'stream') as Promise<[SpdyStream]>;
  client.resume();
  await openStream(client, 1, []);
  const [stream] = await opened;
  for (let n = 0; n < 200; n++) client.write(dataFrame(1, 0, Buffer.alloc(16_384)));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(stream.readableLength < 1_200_000, `${stream.readableLength} bytes were taken in`);
  stream.destroy();
  client.end();
  await once(connection, 'close');
});

test('garbage ends the connection, never the process', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 8, maxLength: 200 }), async (bytes) => {
      const [client, server] = duplexPair();
      const connection = new SpdyConnection(server);
      const closed = once(connection, 'close');
      client.resume();
      client.end(bytes);
      await closed;
    }),
    { numRuns: 50 },
  );
});

test('terminal sizes are read in pieces or together; nonsense is passed over', () => {
  const sizes: number[][] = [];
  const read = resizeReader((...size) => sizes.push(size));
  for (const text of ['{"Width":80,', '"Height":24}\n{"Width":1,"Height":2}', '{"Width":-1,"Height":2}', '}{'])
    read(Buffer.from(text));
  assert.deepEqual(sizes, [
    [80, 24],
    [1, 2],
  ]);
});
