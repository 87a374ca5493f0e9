import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restBench } from './rest.fixture.ts';

const NS = '/api/v1/namespaces/default';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';
const widgets = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const widget = (fields: object) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w' },
  ...fields,
});
const pod = { metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }] } };

test('a status that is not there is an empty one; of a custom resource nothing else is written with it', async (t) => {
  const { client, ask } = await restBench(t);
  await client.create('Pod', pod);
  await ask(`PUT ${NS}/pods/p/status`, {
    metadata: { name: 'p', annotations: { a: '1' } },
    status: { phase: 'Running' },
  });
  const emptied = (await ask(`PUT ${NS}/pods/p/status`, { metadata: { name: 'p' } })).body;
  assert.equal(emptied.status.phase, 'Pending');
  assert.deepEqual(emptied.metadata.annotations, { a: '1' });
  await ask(`POST ${CRDS}`, widgets);
  await ask(`POST ${WIDGETS}`, widget({ spec: { n: 1 } }));
  const { body } = await ask(`PUT ${WIDGETS}/w/status`, {
    ...widget({ spec: { n: 7 }, status: { ok: true } }),
    metadata: { name: 'w', annotations: { a: '1' }, labels: { b: '2' } },
  });
  assert.deepEqual([body.spec, body.status], [{ n: 1 }, { ok: true }]);
  assert.deepEqual([body.metadata.annotations, body.metadata.labels], [undefined, undefined]);
  assert.equal((await ask(`PATCH ${WIDGETS}/w/status`, { status: null })).body.status, undefined);
});

test('a Scale is read as one, and is of the object it is sent to', async (t) => {
  const { ask } = await restBench(t);
  await ask(`POST ${CRDS}`, widgets);
  await ask(`POST ${WIDGETS}`, widget({ spec: { n: 3 } }));
  const scale = (fields: object) => ({
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name: 'w' },
    ...fields,
  });
  for (const body of [
    scale({ spec: 5 }),
    scale({ spec: { replicas: '4' } }),
    scale({ metadata: 5, spec: { replicas: 4 } }),
    scale({ metadata: { name: 'other' }, spec: { replicas: 4 } }),
    {},
  ])
    assert.equal((await ask(`PUT ${WIDGETS}/w/scale`, body)).code, 400, JSON.stringify(body));
  assert.equal((await ask(`PATCH ${WIDGETS}/w/scale`, { spec: 5 })).code, 400);
  assert.equal((await ask(`GET ${WIDGETS}/w/scale`)).body.spec.replicas, 3);
  assert.equal((await ask(`PUT ${WIDGETS}/w/scale`, scale({ spec: { replicas: 4 } }))).body.spec.replicas, 4);
});

test('who creates an object cannot have its version', async (t) => {
  const { ask } = await restBench(t);
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: '7' } };
  const created = await ask(`POST ${NS}/configmaps`, object);
  const applied = await ask(`PATCH ${NS}/configmaps/a?fieldManager=m`, object, 'application/apply-patch+yaml');
  for (const { code, body } of [created, applied]) {
    assert.equal(code, 500);
    assert.equal(body.message, 'resourceVersion should not be set on objects to be created');
  }
  const zero = { ...object, metadata: { name: 'a', resourceVersion: '0' } };
  assert.equal((await ask(`POST ${NS}/configmaps`, zero)).code, 201);
});

test('options and operations of a patch that cannot be are refused', async (t) => {
  const { client, ask } = await restBench(t);
  await client.create('Pod', pod);
  for (const operation of [null, 5, 'x', { op: 'move', path: '/a', from: 5 }])
    assert.equal((await ask(`PATCH ${NS}/pods/p`, [operation], 'application/json-patch+json')).code, 400);
  const { message } = (await ask(`PATCH ${NS}/pods/p`, {}, 'application/apply-patch+yaml')).body;
  assert.match(message, /^PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value/);
});

test('watches of a custom resource end with its definition, after all else', async (t) => {
  const { ask, open } = await restBench(t);
  await ask(`POST ${CRDS}`, widgets);
  await ask(`POST ${WIDGETS}`, widget({}));
  const watch = `${WIDGETS}?watch=true&timeoutSeconds=60`;
  const first = await open(watch);
  await ask(`PATCH ${CRDS}/widgets.example.com`, { metadata: { labels: { a: 'b' } } });
  await ask(`PATCH ${WIDGETS}/w`, { spec: 1 });
  await ask(`PATCH ${CRDS}/widgets.example.com`, { spec: { names: { shortNames: ['w'] } } });
  assert.match(await first(), /^\{"type":"ADDED".*\n\{"type":"MODIFIED".*\n$/);
  const second = await open(watch);
  await ask(`DELETE ${CRDS}/widgets.example.com`);
  assert.match(await second(), /^\{"type":"ADDED".*\n\{"type":"DELETED".*\n$/);
});

test('a collection is deleted to its last member, also one with more than are deleted at once', async (t) => {
  const { client, ask } = await restBench(t);
  const create = (n: number, app: string) =>
    client.create('ConfigMap', { metadata: { name: `${app}-${n}`, namespace: 'default', labels: { app } } });
  await Promise.all(Array.from({ length: 150 }, (_, n) => create(n, n === 0 ? 'kept' : 'gone')));
  const { body } = await ask(`DELETE ${NS}/configmaps?labelSelector=app%3Dgone`);
  assert.equal(body.items.length, 149);
  const left = (await ask(`GET ${NS}/configmaps?labelSelector=app`)).body.items;
  assert.deepEqual(
    left.map((one: { metadata: { name: string } }) => one.metadata.name),
    ['kept-0'],
  );
});
