import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { compressed } from './compression.ts';

test('large bodies are compressed for who takes it', async () => {
  const large = Buffer.alloc(200 * 1024, 'pod ');
  for (const accept of ['gzip', 'br;q=1.0, gzip;q=0.8', 'GZIP']) {
    const packed = await compressed(large, accept);
    assert.ok(packed && packed.length < large.length / 10, accept);
    assert.deepEqual(gunzipSync(packed), large);
  }
  for (const refused of [undefined, '', 'br', 'gzip;q=0', 'gzip; q=0.0'])
    assert.equal(await compressed(large, refused), undefined, String(refused));
  assert.equal(await compressed(Buffer.alloc(128 * 1024), 'gzip'), undefined);
});
