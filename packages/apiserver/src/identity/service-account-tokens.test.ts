import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Store } from '../core/store.ts';
import type { ApiObject } from '../seam.ts';
import { signJwt } from './jwt.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';
import { openSigningKey } from './signing-key.ts';

const HERE = ['https://here'];

async function world() {
  const store = await Store.open({});
  const key = await openSigningKey(undefined);
  const clock = { now: 1_700_000_000_000 };
  const tokens = new ServiceAccountTokens({ store, key, issuer: 'https://here', now: () => clock.now });
  const put = (kind: 'ServiceAccount' | 'Pod' | 'Node', name: string, more: object = {}): Promise<ApiObject> => {
    const namespace = kind === 'Node' ? {} : { namespace: 'a' };
    const metadata = { name, uid: `uid-${name}`, ...namespace, ...more };
    return store.put(kind, { apiVersion: 'v1', kind, metadata });
  };
  const account = await put('ServiceAccount', 'sa');
  return { store, key, clock, tokens, put, account };
}

test('a token stands for its account', async () => {
  const { tokens, account } = await world();
  const { token, expires } = tokens.issue({ account, audiences: HERE, seconds: 600 });
  assert.equal(expires.getTime(), 1_700_000_600_000);
  const found = tokens.authenticate(token, HERE);
  assert.ok(found && 'user' in found);
  assert.equal(found.user.name, 'system:serviceaccount:a:sa');
  assert.equal(found.user.uid, 'uid-sa');
  assert.deepEqual(found.user.groups, ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated']);
  assert.match(found.user.extra?.['authentication.kubernetes.io/credential-id']?.[0] ?? '', /^JTI=[-0-9a-f]{36}$/);
});

test('a token is for its audiences', async () => {
  const { tokens, account } = await world();
  const { token } = tokens.issue({ account, audiences: ['vault', 'b'], seconds: 600 });
  assert.match(JSON.stringify(tokens.authenticate(token, HERE)), /token audiences .* is invalid/);
  assert.deepEqual((tokens.authenticate(token, ['x', 'vault']) as { audiences?: unknown }).audiences, ['vault']);
});

test('a token ends with its time', async () => {
  const { tokens, account, clock } = await world();
  const { token } = tokens.issue({ account, audiences: HERE, seconds: 600 });
  clock.now += 599_000;
  assert.ok('user' in (tokens.authenticate(token, HERE) ?? {}));
  clock.now += 1000;
  assert.deepEqual(tokens.authenticate(token, HERE), { refused: 'service account token has expired' });
  clock.now -= 601_000;
  assert.deepEqual(tokens.authenticate(token, HERE), { refused: 'service account token is not valid yet' });
});

test('a token ends with its account, also when another of that name is made', async () => {
  const { store, tokens, account, put } = await world();
  const { token } = tokens.issue({ account, audiences: HERE, seconds: 600 });
  await store.remove('ServiceAccount', account);
  assert.deepEqual(tokens.authenticate(token, HERE), { refused: 'service account a/sa has been deleted' });
  await put('ServiceAccount', 'sa', { uid: 'another' });
  assert.deepEqual(tokens.authenticate(token, HERE), { refused: 'service account a/sa has been deleted' });
});

test('a token ends with the object it is bound to, after its grace', async () => {
  const { store, tokens, account, put, clock } = await world();
  const pod = await put('Pod', 'p');
  const bound = { kind: 'Pod', name: 'p', uid: 'uid-p' } as const;
  const { token } = tokens.issue({ account, audiences: HERE, seconds: 600, bound });
  const found = tokens.authenticate(token, HERE);
  assert.ok(found && 'user' in found);
  assert.deepEqual(found.user.extra?.['authentication.kubernetes.io/pod-uid'], ['uid-p']);
  await put('Pod', 'p', { deletionTimestamp: new Date(clock.now + 30_000).toISOString() });
  assert.ok('user' in (tokens.authenticate(token, HERE) ?? {}));
  clock.now += 31_000;
  assert.ok('refused' in (tokens.authenticate(token, HERE) ?? {}));
  await store.remove('Pod', pod);
  assert.deepEqual(tokens.authenticate(token, HERE), { refused: 'service account token has been invalidated' });
});

test('a token of another issuer or key is none', async () => {
  const { tokens, account, key, store } = await world();
  assert.equal(tokens.authenticate(signJwt({ iss: 'https://there', sub: 'x' }, key), HERE), undefined);
  const other = new ServiceAccountTokens({ store, key: await openSigningKey(undefined), issuer: 'https://here' });
  assert.equal(tokens.authenticate(other.issue({ account, audiences: HERE, seconds: 600 }).token, HERE), undefined);
  assert.equal(tokens.authenticate('a.b.c', HERE), undefined);
});

test('the key is kept, for root only', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'podwire-key-'));
  t.after(() => rm(directory, { recursive: true }));
  const first = await openSigningKey(directory);
  assert.equal((await openSigningKey(directory)).id, first.id);
  const path = join(directory, 'service-account.key');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFile(path, 'damaged');
  assert.notEqual((await openSigningKey(directory)).id, first.id);
});
