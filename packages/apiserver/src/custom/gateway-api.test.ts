import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseYaml } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { CustomApi } from './custom-api.fixture.ts';

const CRDS = join(import.meta.dirname, '../../../../../shared/data/crds');
const skip = existsSync(CRDS) ? false : 'probe shared-data: ../shared/data/crds is absent';
const GATEWAY = 'gateway.networking.k8s.io';

let api: CustomApi;
let corpus: readonly ApiObject[] = [];
before(async () => {
  api = await CustomApi.open();
  if (skip === false) corpus = filesOf(CRDS).map(definitionIn);
  for (const definition of corpus) await api.define(definition);
});
after(() => api.close());

function filesOf(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names.map((name) => join(folder, name));
}

const definitionIn = (file: string) => parseYaml(readFileSync(file, 'utf8'), file) as ApiObject;

/** An object of the Gateway API with this spec. */
const object = (kind: string, spec: object, version = 'v1'): ApiObject => ({
  apiVersion: `${GATEWAY}/${version}`,
  kind,
  metadata: { name: 'a' },
  spec,
});
const route = (rule: object) => object('HTTPRoute', { parentRefs: [{ name: 'gw' }], rules: [rule] });
const listener = (more: object) =>
  object('Gateway', { gatewayClassName: 'c', listeners: [{ name: 'a', port: 80, protocol: 'HTTP', ...more }] });
const redirect = (path: object) => ({ type: 'RequestRedirect', requestRedirect: { path } });

test('all definitions of the corpus are served, also the experimental ones', { skip }, async () => {
  const served = api.kinds.all().map(({ id }) => id);
  const expected = corpus.map(({ metadata }) => metadata.name);
  assert.deepEqual(
    expected.filter((name) => !served.includes(name as (typeof served)[number])),
    [],
  );
  for (const file of filesOf(join(CRDS, 'experimental'))) {
    const { metadata, ...rest } = definitionIn(file);
    const other = JSON.parse(JSON.stringify(rest).replaceAll('policy.networking.k8s.io', 'other.example.com'));
    const [plural] = (metadata.name ?? '').split('.');
    assert.deepEqual(await api.definitionRefusal({ ...other, metadata: { name: `${plural}.other.example.com` } }), []);
  }
});

test('what the Gateway API allows is allowed', { skip }, async () => {
  const all: readonly ApiObject[] = [
    object('GatewayClass', { controllerName: 'example.com/gateway' }),
    listener({}),
    listener({ port: 443, protocol: 'HTTPS', hostname: '*.example.com', tls: { certificateRefs: [{ name: 'cert' }] } }),
    route({ backendRefs: [{ name: 'a', port: 80 }], matches: [{ path: { type: 'PathPrefix', value: '/a' } }] }),
    route({
      matches: [{ path: { value: '/a' } }],
      filters: [redirect({ type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' })],
    }),
    route({ timeouts: { request: '10s', backendRequest: '2s' }, backendRefs: [{ name: 'a', port: 80, weight: 3 }] }),
    object('GRPCRoute', { rules: [{ matches: [{ method: { service: 'a.b.C', method: 'Get' } }] }] }),
    object('TCPRoute', { rules: [{ backendRefs: [{ name: 'db', port: 5432 }] }] }),
    object('ReferenceGrant', {
      from: [{ group: GATEWAY, kind: 'HTTPRoute', namespace: 'b' }],
      to: [{ group: '', kind: 'Service' }],
    }),
  ];
  for (const one of all) assert.deepEqual(await api.refusalOf(one), [], JSON.stringify(one));
});

test('defaults of the Gateway API are filled in', { skip }, async () => {
  const { spec } = await api.create(route({ backendRefs: [{ name: 'a', port: 80 }] }), { dryRun: true });
  assert.deepEqual(spec, {
    parentRefs: [{ group: GATEWAY, kind: 'Gateway', name: 'gw' }],
    rules: [
      {
        backendRefs: [{ group: '', kind: 'Service', name: 'a', port: 80, weight: 1 }],
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      },
    ],
  });
});

test('what the rules of the Gateway API refuse is refused, in their words', { skip }, async () => {
  const cases: readonly (readonly [object: ApiObject, refusal: RegExp])[] = [
    [
      listener({ port: 443, protocol: 'TLS' }),
      /^spec.listeners: Invalid value: "array": tls mode must be set for protocol TLS/,
    ],
    [listener({ protocol: 'TCP', hostname: 'a.example.com' }), /hostname must not be specified for protocols/],
    [listener({ tls: {} }), /tls must not be specified for protocols \['HTTP', 'TCP', 'UDP'\]/],
    [
      object('Gateway', {
        gatewayClassName: 'c',
        listeners: [
          { name: 'a', port: 80, protocol: 'HTTP' },
          { name: 'b', port: 80, protocol: 'HTTP' },
        ],
      }),
      /Combination of port, protocol and hostname must be unique for each listener/,
    ],
    [
      route({ backendRefs: [{ name: 'a' }] }),
      /backendRefs\[0\]: Invalid value: "object": Must have port for Service reference/,
    ],
    [
      route({ matches: [{ path: { value: 'a' } }] }),
      /matches\[0\].path: Invalid value: "object": value must be an absolute path/,
    ],
    [route({ matches: [{ path: { value: '/a/../b' } }] }), /must not contain '\/..\/'/],
    [
      route({ filters: [{ type: 'RequestMirror' }] }),
      /filter.requestMirror must be specified for RequestMirror filter.type/,
    ],
    [
      route({ filters: [redirect({ type: 'ReplacePrefixMatch' })] }),
      /replacePrefixMatch must be specified when type is set/,
    ],
    [
      route({
        matches: [{ path: { type: 'Exact', value: '/a' } }],
        filters: [redirect({ type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' })],
      }),
      /spec.rules\[0\]: Invalid value: "object": When using RequestRedirect filter with path.replacePrefixMatch/,
    ],
    [
      route({ timeouts: { request: '1s', backendRequest: '2s' } }),
      /backendRequest timeout cannot be longer than request timeout/,
    ],
    [
      route({ timeouts: { request: '1 s' } }),
      /request in body should match '\^\(\[0-9\]\{1,5\}\(h\|m\|s\|ms\)\)\{1,4\}\$'/,
    ],
    [
      object('GRPCRoute', { rules: [{ matches: [{ method: {} }] }] }),
      /One or both of 'service' or 'method' must be specified/,
    ],
    [
      object('HTTPRoute', { parentRefs: [{ name: 'gw' }, { name: 'gw' }] }),
      /sectionName( or port)? must be unique when parentRefs includes 2 or more references to the same parent/,
    ],
    [object('HTTPRoute', { hostnames: ['10.0.0.1:80'] }), /hostnames\[0\] in body should match/],
    [object('GatewayClass', { controllerName: 'x' }), /controllerName in body should match/],
  ];
  for (const [one, refusal] of cases) {
    const causes = await api.refusalOf(one);
    assert.match(causes.join('\n'), refusal, JSON.stringify(one));
  }
});

test('transition rules compare with what was', { skip }, async () => {
  const made = await api.create(object('GatewayClass', { controllerName: 'example.com/a' }));
  const kind = api.kinds.withId(`gatewayclasses.${GATEWAY}`);
  assert.ok(kind);
  const target = { kind, name: 'a' };
  const change = (spec: object) =>
    api.registry.change(target, (old) => ({ ...old, spec: { ...(old.spec as object), ...spec } }), api.options());
  await assert.rejects(change({ controllerName: 'example.com/b' }), {
    message: /spec.controllerName: Invalid value: "string": Value is immutable/,
  });
  await change({ description: 'still the same' });
  assert.equal((made.spec as { controllerName: string }).controllerName, 'example.com/a');
});

test('a ClusterNetworkPolicy is checked by its rules', { skip }, async () => {
  const policy = (subject: object, more: object = {}): ApiObject => ({
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name: 'a' },
    spec: { tier: 'Admin', priority: 10, subject, ...more },
  });
  const from = [{ namespaces: { matchLabels: { a: 'b' } } }];
  const ingress = [{ name: 'x', action: 'Accept', from }];
  assert.deepEqual(await api.refusalOf(policy({ namespaces: {} }, { ingress })), []);
  assert.match(
    (await api.refusalOf(policy({ namespaces: {} }, { tier: 'X' }))).join(),
    /spec.tier: Unsupported value: "X"/,
  );
  assert.match(
    (await api.refusalOf(policy({ namespaces: {} }, { priority: 2000 }))).join(),
    /spec.priority in body should be less than or equal to 1000/,
  );
});
