import type { ServiceCase } from './case.ts';
import { twins } from './twin.ts';

const EVERYWHERE = ['client', 'node', 'outside'] as const;
const HTTP = { name: 'http', port: 80 } as const;

/** ServiceImports: what other clusters export, with endpoints of theirs and of the own one. */
export const IMPORT_CASES: readonly ServiceCase[] = twins(
  ({ at, imported, to }) => ({
    name: 'the address of an import leads to endpoints of all its clusters, as a cluster IP does (SVC-34, SVC-2, SVC-8)',
    steps: [
      {
        services: [imported({}, { backends: ['near1'] }, { backends: ['far'], cluster: 'west' })],
        probes: [
          {
            from: 'client',
            to: to('clusterset IP'),
            times: 100,
            servers: ['far:8080', 'near1:8080'],
            sources: [at.client],
            shares: { 'far:8080': 1, 'near1:8080': 1 },
          },
          { from: 'client', to: to('clusterset IP', 53), protocol: 'udp', times: 30, servers: ['far', 'near1'] },
          { from: 'near1', to: to('clusterset IP'), times: 20, sourceAt: { near1: at.node, far: at.near1 } },
          ...(['node', 'outside'] as const).map((from) => ({
            from,
            to: to('clusterset IP'),
            times: 30,
            servers: ['far:8080', 'near1:8080'],
            sources: [at.node],
          })),
        ],
      },
    ],
  }),
  ({ imported, service, clusterIp, to, also }) => ({
    name: 'a Service and an import of the same name are two services, also in the ranges of Services (SVC-34)',
    steps: [
      {
        services: [
          { ...service({ backends: ['near1'] }), name: `twin-${also(1).nodePort}` },
          {
            ...imported({ address: also(1).clusterIp }, { backends: ['far'], cluster: 'west' }),
            name: `twin-${also(1).nodePort}`,
          },
        ],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('cluster IP'), times: 4, servers: ['near1:8080'] },
          { from, to: also(1).to('cluster IP'), times: 4, servers: ['far:8080'] },
        ]),
      },
      {
        services: [
          { ...service(), name: `twin-${also(1).nodePort}`, gone: true },
          {
            ...imported({ address: clusterIp }, { backends: ['near2'], cluster: 'west' }),
            name: `twin-${also(1).nodePort}`,
          },
        ],
        probes: [
          { from: 'client', to: to('cluster IP'), times: 4, servers: ['near2:8080'] },
          { from: 'client', to: also(1).to('cluster IP'), fails: 'silence' },
        ],
      },
    ],
  }),
  ({ imported, to }) => ({
    name: 'an import without slices, and a port it does not have, are refused; endpoints come and go (SVC-34, SVC-4, SVC-6)',
    steps: [
      {
        services: [imported()],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('clusterset IP'), fails: 'refused' as const },
          { from, to: to('clusterset IP', 53), protocol: 'udp' as const, fails: 'refused' as const },
          { from, to: to('clusterset IP', 81), fails: 'refused' as const },
        ]),
      },
      {
        services: [imported({}, { backends: ['far'], cluster: 'west' }, { backends: ['near1'], cluster: 'east' })],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('clusterset IP'), times: 20, servers: ['far:8080', 'near1:8080'] },
          { from, to: to('clusterset IP', 81), fails: 'refused' as const },
        ]),
      },
      {
        services: [imported({}, { backends: ['near1'], cluster: 'east', targetPort: 9090 })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('clusterset IP'), times: 4, servers: ['near1:9090'] })),
      },
      {
        services: [imported({}, { backends: ['near1'], cluster: 'east', conditions: { ready: false } })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('clusterset IP'), fails: 'refused' as const })),
      },
    ],
  }),
  ({ imported, to, also }) => ({
    name: 'policy Local of an import: a node of another cluster may have the name of this one (SVC-34, SVC-5, SVC-14)',
    steps: [
      {
        services: [
          imported(
            { internalTrafficPolicy: 'Local' },
            { backends: ['near1'] },
            { backends: ['far'], cluster: 'west', nodeName: 'node-1' },
          ),
          also(1).imported(
            { internalTrafficPolicy: 'Local' },
            { backends: ['far'], cluster: 'west', nodeName: 'node-1' },
          ),
        ],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('clusterset IP'), times: 20, servers: ['near1:8080'] },
          { from, to: also(1).to('clusterset IP'), fails: 'silence' as const },
        ]),
      },
    ],
  }),
  ({ imported, service, clusterIp, to }) => ({
    name: 'the address of a Service is its own, also when an import wants it (SVC-34, SVC-11)',
    steps: [
      {
        services: [
          service({ backends: ['near1'], ports: [HTTP] }),
          {
            ...imported({ address: clusterIp }, { backends: ['far'], cluster: 'west' }),
            name: `a-${to('node port')[1]}`,
          },
        ],
        problems: [new RegExp(`clusterset IP ${clusterIp} tcp 80 belongs to Service default/`)],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), times: 6, servers: ['near1:8080'] })),
      },
    ],
  }),
  ({ imported, to }) => ({
    name: 'affinity of an import: a client stays with one endpoint of one cluster (SVC-34, SVC-19)',
    steps: [
      {
        services: [imported({ sessionAffinity: 'ClientIP' }, {}, { backends: ['outside'], cluster: 'west' })],
        probes: (['client', 'near1', 'node'] as const).flatMap((from) => [
          { from, to: to('clusterset IP'), times: 20, grouped: 'together' as const },
          { from, to: to('clusterset IP', 53), protocol: 'udp' as const, times: 20, grouped: 'together' as const },
        ]),
      },
    ],
  }),
  ({ imported, clusterIp, to }) => ({
    name: 'an import that a derived Service stands for is left to it (SVC-34)',
    steps: [
      {
        services: [
          imported(
            { address: clusterIp, annotations: { 'multicluster.kubernetes.io/derived-service': 'derived-web' } },
            { backends: ['near1'] },
          ),
        ],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), fails: 'silence' as const })),
      },
    ],
  }),
);
