import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backendTo, ingressOf, objectsOf } from './fixture.ts';
import { modelIngress } from './model.ts';
import { formatConfig, planProxy } from './plan.ts';

const path = (text: string, service: string, pathType = 'Prefix') => ({
  path: text,
  pathType,
  backend: backendTo(service),
});

test('hosts and paths become map entries, API text never becomes a name', () => {
  const model = modelIngress(
    objectsOf(
      [
        ingressOf('a', {
          rules: [
            {
              host: 'Foo.example.com',
              http: { paths: [path('/', 'foo'), path('/bar/', 'bar'), path('/exact', 'bar', 'Exact')] },
            },
            { host: '*.wild.example', http: { paths: [path('/deep/*', 'foo', 'ImplementationSpecific')] } },
            { http: { paths: [path('/any', 'bar')] } },
          ],
        }),
      ],
      { foo: ['10.0.0.2', '10.0.0.1'], bar: [] },
    ),
  );
  const { maps, backends } = planProxy(model);
  const [bar, foo] = ['bar', 'foo'].map((name) => backends.find((b) => b.title === `default/${name}:80`));
  assert.deepEqual(
    maps.hosts.map(([key]) => key),
    ['*.wild.example', 'foo.example.com'],
  );
  assert.deepEqual(maps.exact, [['foo.example.com:/exact', bar?.name]]);
  assert.deepEqual(maps.prefix, [
    ['*:/any/', bar?.name],
    ['*.wild.example:/deep/', foo?.name],
    ['foo.example.com:/', foo?.name],
    ['foo.example.com:/bar/', bar?.name],
  ]);
  assert.deepEqual(foo?.servers, [
    { address: '10.0.0.1', port: 8080 },
    { address: '10.0.0.2', port: 8080 },
  ]);
  assert.deepEqual([foo?.slots, bar?.servers], [8, []]);
});

test('the older Ingress wins a clash, the loser is told', () => {
  const rules = (service: string) => [{ host: 'h.example', http: { paths: [path('/', service)] } }];
  const model = modelIngress(
    objectsOf([ingressOf('young', { rules: rules('bar') }, 9), ingressOf('old', { rules: rules('foo') }, 1)], {
      foo: [],
      bar: [],
    }),
  );
  assert.deepEqual(
    model.routes.map((r) => r.owner),
    ['default/old'],
  );
  assert.deepEqual(
    model.problems.map((p) => [p.ingress.metadata?.name, p.reason]),
    [['young', 'RuleConflict']],
  );
});

test('hostile hosts and paths are left out and reported, and never reach the configuration', () => {
  const hostile = ['a b', 'x\nbackend evil', '$(id)', 'a"b', '..', 'ü.example'];
  const model = modelIngress(
    objectsOf(
      [
        ingressOf('bad', {
          rules: [
            ...hostile.map((host) => ({ host, http: { paths: [path('/', 'foo')] } })),
            { host: 'ok.example', http: { paths: ['/a b', '/x\n evil', 'no-slash', '/"'].map((p) => path(p, 'foo')) } },
          ],
        }),
      ],
      { foo: [] },
    ),
  );
  assert.deepEqual(model.routes, []);
  assert.equal(model.problems.length, hostile.length + 4);
  const config = formatConfig(planProxy(model), { httpPort: 80, httpsPort: 443, directory: '/run/x' }, 'first');
  assert.doesNotMatch(config, /evil|\$\(id\)/);
});

test('Ingresses of another class are not ours; no class is ours unless another class is the default', () => {
  const spec = (ingressClassName?: string) => ({
    ...(ingressClassName === undefined ? {} : { ingressClassName }),
    defaultBackend: backendTo('foo'),
  });
  const objects = objectsOf(
    [ingressOf('ours', spec('podwire')), ingressOf('other', spec('nginx')), ingressOf('none', spec())],
    { foo: [] },
  );
  const served = (classes: typeof objects.classes) =>
    modelIngress({ ...objects, classes }).served.map((i) => i.metadata?.name);
  assert.deepEqual(served([]), ['none', 'ours']);
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
  assert.deepEqual(
    served([{ metadata: { name: 'nginx', annotations }, spec: { controller: 'k8s.io/ingress-nginx' } }]),
    ['ours'],
  );
});
