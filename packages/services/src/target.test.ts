import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp } from '@podwire/base';
import { type EndpointModel, endpointName, type NodeModel, type ServiceModel } from './model.ts';
import { portTargets, type Target } from './target.ts';

const NODE: NodeModel = { name: 'node-1', addresses: [], nodePortAddresses: [], podCidrs: [], zone: 'a' };
const SERVICE: ServiceModel = {
  namespace: 'n',
  name: 's',
  clusterAddresses: [],
  externalAddresses: [],
  loadBalancerAddresses: [],
  affinitySeconds: 0,
  internalLocal: false,
  externalLocal: false,
  ports: [],
};
const endpoint = (last: number, rest: Partial<EndpointModel> = {}): EndpointModel => ({
  address: parseIp(`10.0.0.${last}`),
  port: 80,
  ready: true,
  fallback: false,
  local: false,
  maybeLocal: false,
  ...rest,
});
const local = { local: true, maybeLocal: true };
const terminating = { ready: false, fallback: true };
const text = (target: Target | undefined): string => {
  if (target?.kind !== 'serve') return target?.kind ?? 'none';
  return target.endpoints.map((one) => endpointName(one).replace(/^10\.0\.0\.(.*):80$/, '$1')).join(' ');
};

/** internal, external, inside */
type Expected = readonly [string, string, string];
const CASES: readonly [
  name: string,
  endpoints: readonly EndpointModel[],
  service: Partial<ServiceModel>,
  expected: Expected,
][] = [
  ['all that are ready', [endpoint(1), endpoint(2), endpoint(3, { ready: false })], {}, ['1 2', '1 2', 'none']],
  ['nothing at all', [], {}, ['reject', 'reject', 'none']],
  [
    'terminating ones while nothing is ready',
    [endpoint(1, terminating), endpoint(2, { ready: false })],
    {},
    ['1', '1', 'none'],
  ],
  ['not when something is ready', [endpoint(1, terminating), endpoint(2)], {}, ['2', '2', 'none']],
  ['internal Local', [endpoint(1), endpoint(2, local)], { internalLocal: true }, ['2', '1 2', 'none']],
  ['internal Local and none here', [endpoint(1)], { internalLocal: true }, ['drop', '1', 'none']],
  ['external Local', [endpoint(1), endpoint(2, local)], { externalLocal: true }, ['1 2', '2', '1 2']],
  ['external Local and none here', [endpoint(1)], { externalLocal: true }, ['1', 'drop', '1']],
  ['external Local and none anywhere', [], { externalLocal: true }, ['reject', 'reject', 'none']],
  [
    'the local set falls back by itself',
    [endpoint(1), endpoint(2, { ...local, ...terminating })],
    { externalLocal: true },
    ['1', '2', '1'],
  ],
  [
    'own zone',
    [endpoint(1, { forZones: ['a'] }), endpoint(2, { forZones: ['b'] }), endpoint(3, { forZones: ['b', 'a'] })],
    {},
    ['1 3', '1 3', 'none'],
  ],
  ['one without a hint', [endpoint(1, { forZones: ['a'] }), endpoint(2)], {}, ['1 2', '1 2', 'none']],
  [
    'none for this zone',
    [endpoint(1, { forZones: ['b'] }), endpoint(2, { forZones: ['c'] })],
    {},
    ['1 2', '1 2', 'none'],
  ],
  [
    'own node before own zone',
    [
      endpoint(1, { forZones: ['a'], forNodes: ['node-2'] }),
      endpoint(2, { forZones: ['a'], forNodes: ['node-1'] }),
      endpoint(3, { forZones: ['b'], forNodes: ['node-3'] }),
    ],
    {},
    ['2', '2', 'none'],
  ],
  [
    'none on this node: own zone',
    [endpoint(1, { forZones: ['a'], forNodes: ['node-2'] }), endpoint(2, { forZones: ['b'], forNodes: ['node-3'] })],
    {},
    ['1', '1', 'none'],
  ],
  [
    'hints of those that are not ready do not count',
    [endpoint(1, { forZones: ['a'] }), endpoint(2, { forZones: ['b'] }), endpoint(3, { ready: false })],
    {},
    ['1', '1', 'none'],
  ],
  [
    'terminating ones are used whatever their hints',
    [endpoint(1, { ...terminating, forZones: ['b'] }), endpoint(2, { ...terminating, forZones: ['a'] })],
    {},
    ['1 2', '1 2', 'none'],
  ],
  [
    'Local does not look at hints',
    [endpoint(1, { ...local, forZones: ['b'] }), endpoint(2, { forZones: ['a'] })],
    { internalLocal: true },
    ['1', '2', 'none'],
  ],
  [
    'another family has its own set',
    [endpoint(1), endpoint(2, { address: parseIp('fd00::2') })],
    {},
    ['1', '1', 'none'],
  ],
];
for (const [name, endpoints, service, expected] of CASES) {
  test(`who takes a connection: ${name}`, () => {
    const port = { name: '', protocol: 'tcp', port: 80, endpoints } as const;
    const targets = portTargets({ ...SERVICE, ...service }, port, { node: NODE, family: 'ipv4' });
    assert.deepEqual([text(targets.internal), text(targets.external), text(targets.inside)], expected);
  });
}

test('of the other family the other set', () => {
  const endpoints = [endpoint(1), endpoint(2, { address: parseIp('fd00::2') })];
  const port = { name: '', protocol: 'tcp', port: 80, endpoints } as const;
  assert.equal(text(portTargets(SERVICE, port, { node: NODE, family: 'ipv6' }).internal), '[fd00::2]:80');
});

test('a node that does not know its zone takes all', () => {
  const endpoints = [endpoint(1, { forZones: ['a'] }), endpoint(2, { forZones: ['b'] })];
  const port = { name: '', protocol: 'tcp', port: 80, endpoints } as const;
  const node: NodeModel = { name: 'node-1', addresses: [], nodePortAddresses: [], podCidrs: [] };
  assert.equal(text(portTargets(SERVICE, port, { node, family: 'ipv4' }).internal), '1 2');
});
