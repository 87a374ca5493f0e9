import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '../seam.ts';
import { checkLimits } from './limit-ranges.ts';
import { restBench } from './rest.fixture.ts';
import type { Store } from './store.ts';

const NS = '/api/v1/namespaces/default';
const range = (limits: object[]) => ({ metadata: { name: 'range' }, spec: { limits } });
const pod = (name: string, ...resources: unknown[]) => ({
  metadata: { name },
  spec: { containers: resources.map((one, i) => ({ name: `c${i}`, image: 'i', resources: one })) },
});

test('containers get the requests and limits of the namespace', async (t) => {
  const { ask } = await restBench(t);
  const limits = [{ type: 'Container', default: { cpu: '1', memory: '1Gi' }, defaultRequest: { cpu: '500m' } }];
  await ask(`POST ${NS}/limitranges`, range(limits));
  const { body } = await ask(
    `POST ${NS}/pods`,
    pod('p', undefined, { limits: { cpu: '2' }, requests: { memory: '1Mi' } }),
  );
  const [first, second] = body.spec.containers;
  assert.deepEqual(first.resources, {
    requests: { cpu: '500m', memory: '1Gi' },
    limits: { cpu: '1', memory: '1Gi' },
  });
  assert.deepEqual(second.resources, {
    requests: { cpu: '2', memory: '1Mi' },
    limits: { cpu: '2', memory: '1Gi' },
  });
  assert.equal(
    body.metadata.annotations['kubernetes.io/limit-ranger'],
    'LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0; memory limit for container c1',
  );
  assert.equal(body.status.qosClass, 'Burstable');
  const shapeless = [pod('q', 5), pod('q', { limits: 'x' }), { metadata: { name: 'q' }, spec: { containers: 'x' } }];
  for (const one of shapeless) assert.equal((await ask(`POST ${NS}/pods`, one)).code, 400);
  await ask('POST /api/v1/namespaces', { metadata: { name: 'other' } });
  const elsewhere = await ask('POST /api/v1/namespaces/other/pods', pod('p', undefined));
  assert.deepEqual(elsewhere.body.spec.containers[0].resources, {});
});

test('pods that ask for less or more than they may are refused', async (t) => {
  const { ask } = await restBench(t);
  await ask(
    `POST ${NS}/limitranges`,
    range([
      { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } },
      { type: 'Pod', max: { cpu: '1500m' } },
    ]),
  );
  const why = async (...resources: object[]) => (await ask(`POST ${NS}/pods`, pod('p', ...resources))).body.message;
  const of = (limit: string, request = limit) => ({ limits: { cpu: limit }, requests: { cpu: request } });
  assert.equal(
    await why(of('2')),
    'pods "p" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, maximum cpu usage per Container is 1, ' +
      'but request is 2, maximum cpu usage per Pod is 1500m, but limit is 2, maximum cpu usage per Pod is 1500m, but request is 2]',
  );
  assert.match(
    await why(of('50m')),
    /: \[minimum cpu usage per Container is 100m, but request is 50m, .* but limit is 50m\]$/,
  );
  assert.match(
    await why(of('900m', '300m')),
    /: cpu max limit to request ratio per Container is 2, but provided ratio is 3.0/,
  );
  assert.match(await why(of('1'), of('1')), /: \[maximum cpu usage per Pod is 1500m, but limit is 2, /);
  assert.match(await why(of('800m'), of('900m')), /is 1500m, but limit is 1700m, /);
  assert.equal(await why(of('700m'), of('500m'), of('100m'), of('200m')), undefined);
});

test('what a bound is for must be there', () => {
  const limits = [{ type: 'Container', min: { a: '1' }, max: { b: '1' }, maxLimitRequestRatio: { c: '2' } }];
  const store = { latestOf: () => [{ metadata: { namespace: 'default' }, spec: { limits } }] } as unknown as Store;
  const check = (resources: object) => () => checkLimits(inDefault(resources), store);
  const inDefault = (resources: object) => {
    const { metadata, spec } = pod('p', resources);
    return { metadata: { ...metadata, namespace: 'default' }, spec } as unknown as ApiObject;
  };
  const none = {
    message:
      'pods "p" is forbidden: [minimum a usage per Container is 1, but no request is specified, maximum b usage per ' +
      'Container is 1, but no limit is specified, c max limit to request ratio per Container is 2, but no request is ' +
      'specified or request is 0]',
  };
  assert.throws(check({}), none);
  assert.throws(check({ limits: { a: '2' }, requests: { b: '1', c: '0' } }), none);
  const unlimited = /: c max limit to request ratio per Container is 2, but no limit is specified$/;
  assert.throws(check({ requests: { a: '1', c: '1' }, limits: { b: '1' } }), unlimited);
  check({ requests: { a: '1', c: '1' }, limits: { b: '1', c: '2' } })();
});
