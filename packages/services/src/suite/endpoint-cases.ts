import { CROWD, OTHER_PROXY } from '../world.fixture.ts';
import type { ServiceCase } from './case.ts';
import { twins } from './twin.ts';

const ALL = ['far:8080', 'near1:8080', 'near2:8080'];
const TERMINATING = { ready: false, serving: true, terminating: true };
const EVERYWHERE = ['client', 'node', 'outside'] as const;

/** Which endpoints of a service are used. */
export const ENDPOINT_CASES: readonly ServiceCase[] = twins(
  ({ service, to }) => ({
    name: 'endpoints that serve while they terminate are used while nothing is ready (SVC-3)',
    steps: [
      {
        services: [service({ backends: ['near1'], conditions: TERMINATING })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), times: 3, servers: ['near1:8080'] })),
      },
      {
        services: [service({ backends: ['near1'], conditions: TERMINATING }, { backends: ['near2'] })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), times: 10, servers: ['near2:8080'] })),
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'an endpoint that is neither ready nor serving gets nothing (SVC-3)',
    steps: [
      {
        services: [service({ backends: ['near1'], conditions: { ready: false, serving: false } })],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('cluster IP'), fails: 'refused' as const },
          { from, to: to('cluster IP', 53), protocol: 'udp' as const, fails: 'refused' as const },
        ]),
      },
      {
        services: [service({ backends: ['near1'], conditions: { ready: false, serving: false, terminating: true } })],
        probes: [{ from: 'client', to: to('cluster IP'), fails: 'refused' }],
      },
      {
        // it serves, but does not terminate: it is only not ready yet, or no more
        services: [service({ backends: ['near1'], conditions: { ready: false, serving: true } })],
        probes: [{ from: 'client', to: to('cluster IP'), fails: 'refused' }],
      },
      {
        services: [service({ backends: ['near1'] })],
        probes: [{ from: 'client', to: to('cluster IP'), servers: ['near1:8080'] }],
      },
    ],
  }),
  ({ service, to, also }) => ({
    name: 'terminating endpoints are judged for policy Local by themselves (SVC-3, SVC-13, SVC-14)',
    steps: [
      {
        services: [
          service(
            {
              type: 'NodePort',
              internalTrafficPolicy: 'Local',
              externalTrafficPolicy: 'Local',
              backends: ['near1'],
              conditions: TERMINATING,
              ports: [{ name: 'http', port: 80, nodePort: to('node port')[1] }],
            },
            { backends: ['far'] },
          ),
          also(1).service({ backends: ['near1'], conditions: TERMINATING }, { backends: ['far'] }),
        ],
        probes: [
          { from: 'client', to: to('cluster IP'), times: 6, servers: ['near1:8080'] },
          { from: 'node', to: to('cluster IP'), times: 6, servers: ['near1:8080'] },
          { from: 'outside', to: to('node port'), times: 6, servers: ['near1:8080'] },
          // from inside it is not Local
          { from: 'client', to: to('node port'), times: 6, servers: ['far:8080'] },
          { from: 'client', to: also(1).to('cluster IP'), times: 6, servers: ['far:8080'] },
        ],
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'an endpoint without conditions is ready; one that is in two slices counts once (SVC-2)',
    steps: [
      {
        services: [service({ backends: ['near1', 'near2'], conditions: {} }, { backends: ['near1'] })],
        probes: [
          {
            from: 'client',
            to: to('cluster IP'),
            times: 400,
            servers: ['near1:8080', 'near2:8080'],
            shares: { 'near1:8080': 1, 'near2:8080': 1 },
          },
        ],
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'with publishNotReadyAddresses slices call all ready, also terminating ones (SVC-21)',
    steps: [
      {
        services: [
          service(
            { backends: ['near1'], publishNotReadyAddresses: true },
            { backends: ['near2'], conditions: { ready: true, serving: false, terminating: true } },
          ),
        ],
        probes: EVERYWHERE.map((from) => ({
          from,
          to: to('cluster IP'),
          times: 40,
          servers: ['near1:8080', 'near2:8080'],
        })),
      },
    ],
  }),
  ({ family, service, to }) => ({
    name: 'more than a thousand endpoints are all used (SVC-24)',
    steps: [
      {
        services: [service({ addresses: crowd(family, 1_010), targetPort: CROWD.port })],
        probes: [
          // 250 draws of 1,010 come to 221 different ones, with a standard deviation of 5
          { from: 'client', to: to('cluster IP'), times: 250, distinct: 180 },
          { from: 'outside', to: to('cluster IP'), times: 20, distinct: 10 },
        ],
      },
    ],
  }),
  ({ service, to }) => {
    const hints = (zones: Record<'near1' | 'near2' | 'far', string>) =>
      Object.fromEntries(Object.entries(zones).map(([place, name]) => [place, { forZones: [{ name }] }]));
    const probe = (servers: readonly string[]) =>
      (['client', 'node'] as const).map((from) => ({ from, to: to('cluster IP'), times: 40, servers }));
    return {
      name: 'hints lead to the own zone when every endpoint has one and one is for it (SVC-20)',
      steps: [
        {
          services: [service({ hints: hints({ near1: 'zone-b', near2: 'zone-a', far: 'zone-a' }) })],
          probes: probe(['far:8080', 'near2:8080']),
        },
        {
          services: [service({ hints: hints({ near1: 'zone-b', near2: 'zone-b', far: 'zone-c' }) })],
          probes: probe(ALL),
        },
        {
          services: [service({ hints: { near1: { forZones: [{ name: 'zone-a' }] } } })],
          probes: probe(ALL),
        },
      ],
    };
  },
  ({ service, to }) => {
    const node = (name: string) => ({ forNodes: [{ name }] });
    return {
      name: 'hints lead to the own node, or else to the own zone; policy Local has no use for them (SVC-20)',
      steps: [
        {
          services: [service({ hints: { near1: node('node-1'), near2: node('node-2'), far: node('node-2') } })],
          probes: [{ from: 'client', to: to('cluster IP'), times: 10, servers: ['near1:8080'] }],
        },
        {
          services: [
            service({
              hints: { near1: node('node-2'), near2: node('node-2'), far: node('node-1') },
              internalTrafficPolicy: 'Local',
            }),
          ],
          probes: [{ from: 'client', to: to('cluster IP'), times: 40, servers: ['near1:8080', 'near2:8080'] }],
        },
      ],
    };
  },
  ({ at, service, to }) => ({
    name: 'weights share connections (SVC-33)',
    steps: [
      {
        services: [
          service({
            annotations: { 'podwire.io/weights': `${at.near1}=5, ${at.near2}=3` },
            backends: ['near1', 'near2', 'far'],
          }),
        ],
        probes: [
          {
            from: 'client',
            to: to('cluster IP'),
            times: 180,
            servers: ALL,
            shares: { 'near1:8080': 5, 'near2:8080': 3, 'far:8080': 1 },
          },
        ],
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'headless services and names of others are not proxied; a service that stops being one of them is (SVC-22, SVC-29)',
    steps: [
      {
        services: [service({ type: 'ExternalName', externalName: 'example.com', externalIPs: [to('external IP')[0]] })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), fails: 'silence' as const })),
      },
      {
        services: [service({ backends: ['near1'], externalIPs: [to('external IP')[0]] })],
        probes: [
          { from: 'client', to: to('cluster IP'), servers: ['near1:8080'] },
          { from: 'outside', to: to('external IP'), servers: ['near1:8080'] },
        ],
      },
      {
        services: [service({ clusterIP: 'None', externalIPs: [to('external IP')[0]] })],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('cluster IP'), fails: 'silence' as const },
          { from, to: to('external IP'), fails: 'silence' as const },
        ]),
      },
    ],
  }),
  ({ family, service }) => {
    const to = [OTHER_PROXY.node[family], 80] as const;
    const mine = (labels: Record<string, string>) => [{ ...service({ labels, backends: ['near1'] }), address: to[0] }];
    const probes = (server: string) => EVERYWHERE.map((from) => ({ from, to, servers: [server] }));
    return {
      name: 'services of another proxy are left alone, and taken over when their label goes (SVC-22)',
      steps: [
        { services: mine({ 'service.kubernetes.io/service-proxy-name': 'another' }), probes: probes('other') },
        { services: mine({}), probes: probes('near1:8080') },
        { services: mine({ 'service.kubernetes.io/headless': '' }), probes: probes('other') },
      ],
    };
  },
  ({ family, service }) => {
    const to = [OTHER_PROXY.outside[family], 80] as const;
    const address = to[0];
    const labels = { 'service.kubernetes.io/service-proxy-name': 'another' };
    const inside = ['client', 'near1', 'node'] as const;
    return {
      name: 'a service address leaves the node only when it is of another proxy (SVC-6, SVC-22)',
      steps: [
        { probes: inside.map((from) => ({ from, to, fails: 'silence' })) },
        {
          services: [{ ...service({ labels }), address }],
          probes: inside.map((from) => ({ from, to, servers: ['other'] })),
        },
        {
          services: [{ ...service({ backends: [] }), address }],
          probes: inside.map((from) => ({ from, to, fails: 'refused' })),
        },
        { services: [{ address, gone: true }], probes: inside.map((from) => ({ from, to, fails: 'silence' })) },
      ],
    };
  },
);

/** The first addresses beside far. */
function crowd(family: 'ipv4' | 'ipv6', count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    family === 'ipv4' ? `10.244.${4 + ((i + 1) >> 8)}.${(i + 1) & 255}` : `fd00:244:4::${(i + 1).toString(16)}`,
  );
}
