import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { statusOf } from '@podwire/kube';
import { type BodySource, RequestBodies } from './request-body.ts';

const source = (headers: Record<string, string> = {}) =>
  Object.assign(new PassThrough(), { headers }) as PassThrough & BodySource;
const codeOf = (asked: Promise<Buffer>) =>
  asked.then(
    () => 200,
    (error) => statusOf(error)?.code,
  );
const MiB = 1024 * 1024;

test('a body arrives whole, or is refused: too long, too slow, broken off', async () => {
  const bodies = new RequestBodies({ patience: 60_000 });
  const good = source();
  good.end('ab');
  assert.equal((await bodies.read(good)).toString(), 'ab');
  assert.equal(await codeOf(bodies.read(source({ 'content-length': String(100 * MiB) }))), 413);
  const long = source();
  long.end(Buffer.alloc(4 * MiB));
  assert.equal(await codeOf(bodies.read(long)), 413);
  const broken = source();
  const asked = codeOf(bodies.read(broken));
  broken.destroy();
  assert.equal(await asked, 400);
  assert.equal(await codeOf(new RequestBodies({ patience: 1 }).read(source())), 408);
});

test('bodies together take no more memory than they may', async () => {
  const bodies = new RequestBodies({ inFlight: 5 * MiB });
  const sources = [source(), source(), source()];
  const asked = sources.map((one) => codeOf(bodies.read(one)));
  for (const one of sources) one.write(Buffer.alloc(2 * MiB));
  assert.equal(await Promise.race(asked), 429);
  for (const one of sources) one.end();
  assert.deepEqual((await Promise.all(asked)).sort(), [200, 200, 429]);
});
