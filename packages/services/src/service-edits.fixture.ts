import { parseIp, parsePrefix } from '@podwire/base';
import fc from 'fast-check';
import type { EndpointModel, NodeModel, ServiceModel, ServicesModel, ServicesView } from './model.ts';
import type { Peers } from './peers.ts';

const CLUSTER = {
  podCidrs: [parsePrefix('10.244.0.0/16'), parsePrefix('fd00:1::/64')],
  serviceCidrs: [parsePrefix('10.96.0.0/16'), parsePrefix('fd00:2::/112')],
};
const NODE: NodeModel = {
  name: 'node-1',
  addresses: [parseIp('172.30.0.1'), parseIp('fd00:3::1')],
  nodePortAddresses: [parseIp('172.30.0.1'), parseIp('fd00:3::1')],
  podCidrs: [parsePrefix('10.244.1.0/24')],
  zone: 'a',
};

/** Those of IPv6 of node-3 are behind a router. */
function peersOf(known: readonly number[]): Peers {
  const nodes = known.map((n) => {
    const addresses = [parseIp(`172.30.0.${n}`), parseIp(`fd00:3::${n}`)];
    return [`node-${n}`, { addresses, distant: addresses.slice(4 - n) }] as const;
  });
  return { nodes: new Map(nodes) };
}

const address = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map((n) => parseIp(`10.96.0.${n}`)),
  fc.integer({ min: 1, max: 2 }).map((n) => parseIp(`fd00:2::${n}`)),
);
const podAddress = fc.oneof(
  fc.integer({ min: 1, max: 5 }).map((n) => parseIp(`10.244.1.${n}`)),
  fc.integer({ min: 1, max: 2 }).map((n) => parseIp(`fd00:1::${n}`)),
);
const addresses = fc.uniqueArray(address, { maxLength: 2 });
const endpoint: fc.Arbitrary<EndpointModel> = fc.record(
  {
    address: podAddress,
    port: fc.constantFrom(80, 8080),
    ready: fc.boolean(),
    fallback: fc.boolean(),
    local: fc.boolean(),
    maybeLocal: fc.boolean(),
    weight: fc.constantFrom(2, 3),
    forZones: fc.constantFrom(['a'], ['b']),
    nodeName: fc.constantFrom('node-1', 'node-2', 'node-2', 'node-3'),
  },
  { requiredKeys: ['address', 'port', 'ready', 'fallback', 'local', 'maybeLocal'] },
);
const endpoints = fc.uniqueArray(endpoint, { maxLength: 4, selector: (one) => `${one.address} ${one.port}` });
const service = (name: string): fc.Arbitrary<ServiceModel> =>
  fc.record(
    {
      namespace: fc.constant('n'),
      name: fc.constant(name.slice(2)),
      clusterAddresses: addresses,
      externalAddresses: addresses,
      loadBalancerAddresses: addresses,
      sourceRanges: fc.constant([parsePrefix('192.0.2.0/24'), parsePrefix('::/0')]),
      affinitySeconds: fc.constantFrom(0, 0, 60),
      internalLocal: fc.boolean(),
      externalLocal: fc.boolean(),
      balance: fc.constantFrom('round-robin', 'source-hash', 'maglev'),
      forwarding: fc.constant('dsr'),
      ports: fc.array(
        fc.record(
          {
            name: fc.constant(''),
            protocol: fc.constantFrom('tcp', 'udp'),
            port: fc.constantFrom(80, 53),
            nodePort: fc.constantFrom(30_000, 30_001),
            endpoints,
          },
          { requiredKeys: ['name', 'protocol', 'port', 'endpoints'] },
        ),
        { maxLength: 2 },
      ),
    },
    {
      requiredKeys: [
        ...(['namespace', 'name', 'clusterAddresses', 'externalAddresses', 'loadBalancerAddresses'] as const),
        ...(['affinitySeconds', 'internalLocal', 'externalLocal', 'ports'] as const),
      ],
    },
  );
const NAMES = ['n/a', 'n/b', 'n/c', 'n/d'] as const;
const edit = fc
  .constantFrom(...NAMES)
  .chain((name) =>
    fc.oneof(
      { weight: 6, arbitrary: service(name).map((model) => ({ name, service: model, foreign: undefined })) },
      { weight: 1, arbitrary: addresses.map((foreign) => ({ name, service: undefined, foreign })) },
      { weight: 1, arbitrary: fc.constant({ name, service: undefined, foreign: undefined }) },
    ),
  );

/** A view that can be changed. */
export interface EditedView extends ServicesView {
  readonly services: Map<string, ServiceModel>;
  readonly foreign: Map<string, ServicesModel['foreignAddresses']>;
  peers: Peers;
}

export function emptyView(): EditedView {
  return { cluster: CLUSTER, node: NODE, peers: peersOf([2, 3]), services: new Map(), foreign: new Map() };
}

/** Services of four names come, change and go, some at a time; they want the same few addresses and ports. */
export const arbitraryPass = fc.array(edit, { minLength: 1, maxLength: 3 });
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** Which of two other nodes are known. */
export const arbitraryPeers = fc.subarray([2, 3]).map(peersOf);

/** Returns the names of what changed. */
export function applyPass(view: EditedView, pass: readonly Edit[]): Set<string> {
  for (const { name, service: model, foreign } of pass) {
    view.services.delete(name);
    view.foreign.delete(name);
    if (model) view.services.set(name, model);
    if (foreign) view.foreign.set(name, foreign);
  }
  return new Set(pass.map(({ name }) => `${name}`));
}

/** The same for whoever plans all at once. */
export function modelOfView({ services, foreign, ...rest }: ServicesView): ServicesModel {
  const names = [...foreign.keys()].sort();
  return {
    ...rest,
    services: [...services.values()],
    foreignAddresses: names.flatMap((name) => foreign.get(name) ?? []),
  };
}
