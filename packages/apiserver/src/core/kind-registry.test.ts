import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KINDS, type Kind, kindNamed } from '@podwire/kube';
import { createSchema } from '../schema/index.ts';
import { createSurface } from '../surface/index.ts';
import { fromStored, toStored } from './conversion.ts';
import { KindRegistry } from './kind-registry.ts';
import { parseResourcePath } from './request-path.ts';

/** A custom resource whose kind has the name of one of Kubernetes. */
const CUSTOM: Kind = {
  ...kindNamed('Pod'),
  id: 'pods.example.com',
  group: 'example.com',
  version: 'v1',
  apiVersion: 'example.com/v1',
  otherVersions: ['example.com/v1beta1'],
  shortNames: [],
  categories: [],
};

test('a kind is served in all its versions while it is registered', () => {
  const kinds = new KindRegistry();
  kinds.add(CUSTOM);
  assert.equal(kinds.at('example.com/v1beta1', 'pods'), CUSTOM);
  assert.equal(kinds.at('v1', 'pods'), kindNamed('Pod'));
  const replaced = { ...CUSTOM, otherVersions: [] };
  kinds.add(replaced);
  assert.equal(kinds.withId(CUSTOM.id), replaced);
  assert.equal(kinds.at('example.com/v1beta1', 'pods'), undefined);
  kinds.remove(CUSTOM.id);
  assert.equal(kinds.withId(CUSTOM.id), undefined);
  assert.equal(kinds.at('example.com/v1', 'pods'), undefined);
});

test('paths name what is in a namespace, or the namespace itself', () => {
  const kinds = new KindRegistry();
  kinds.add(CUSTOM);
  const parsed = (path: string): unknown => {
    const found = parseResourcePath(kinds, path);
    return found && [found.kind.id, found.apiVersion, found.namespace, found.name, found.subresource];
  };
  const beta = 'example.com/v1beta1';
  assert.deepEqual(parsed(`/apis/${beta}/namespaces/a/pods/b/status`), [CUSTOM.id, beta, 'a', 'b', 'status']);
  assert.deepEqual(parsed('/api/v1/pods'), ['Pod', 'v1', undefined, undefined, undefined]);
  assert.deepEqual(parsed('/api/v1/namespaces/a/status'), ['Namespace', 'v1', undefined, 'a', 'status']);
  assert.equal(parsed('/apis/example.com/v2/pods'), undefined);
  assert.equal(parsed('/api'), undefined);
});

test('discovery follows the registry', async () => {
  const kinds = new KindRegistry();
  const surface = createSurface({ kinds });
  const request = {
    method: 'GET',
    path: '/apis/example.com',
    query: new URLSearchParams(),
    headers: {},
    user: { name: 'admin', groups: [] },
    signal: new AbortController().signal,
    body: () => Promise.resolve(Buffer.alloc(0)),
  };
  assert.equal(await surface.respond(request), undefined);
  kinds.add(CUSTOM);
  assert.match(String((await surface.respond(request))?.body), /"preferredVersion":\{"groupVersion":"example.com\/v1"/);
  kinds.remove(CUSTOM.id);
  assert.equal(await surface.respond(request), undefined);
});

test('versions that differ in their name only are converted by it', () => {
  const object = { apiVersion: 'example.com/v1', kind: 'Pod', metadata: { name: 'a' }, spec: { x: 1 } };
  const beta = fromStored(CUSTOM, object, 'example.com/v1beta1');
  assert.deepEqual(beta, { ...object, apiVersion: 'example.com/v1beta1' });
  assert.deepEqual(toStored(CUSTOM, beta), object);
  assert.equal(toStored(CUSTOM, object), object);
});

test('the README lists the kinds', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const listed = [...readme.matchAll(/^\| `((?:[\w.-]+\/)?v\d\w*)` *\| (.*?) *\|$/gm)].flatMap(
    ([, version, kinds = '']) => kinds.split(', ').map((kind) => `${version} ${kind}`),
  );
  const served = KINDS.flatMap(({ apiVersion, otherVersions, kind }) =>
    [apiVersion, ...otherVersions].map((version) => `${version} ${kind}`),
  );
  assert.deepEqual(listed.sort(), served.sort());
});

test('what the tables do not know is stored as it is given', () => {
  const object = { apiVersion: 'example.com/v1', kind: 'Pod', metadata: { name: 'a' }, spec: { any: ['thing'] } };
  const checked = createSchema().validateAndDefault(CUSTOM, object, { fieldValidation: 'Strict' });
  assert.deepEqual([checked.object, checked.causes, checked.unknown], [object, [], []]);
  const bad = { ...object, metadata: { name: 'A_' } };
  const { causes } = createSchema().validateAndDefault(CUSTOM, bad, { fieldValidation: 'Strict' });
  assert.deepEqual(
    causes.map(({ field }) => field),
    ['metadata.name'],
  );
});
