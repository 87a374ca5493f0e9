import type { ServiceCase } from './case.ts';
import { twins } from './twin.ts';

const EVERYWHERE = ['client', 'node', 'outside'] as const;
const ALL = ['far:8080', 'near1:8080', 'near2:8080'];
const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const HTTP = { name: 'http', protocol: 'TCP', port: 80 } as const;
const ADMIN = { name: 'admin', protocol: 'TCP', port: 81 } as const;
const DNS = { name: 'dns', protocol: 'UDP', port: 53 } as const;

/** Ports, targets and clients of cluster IPs. */
export const CLUSTER_IP_CASES: readonly ServiceCase[] = twins(
  ({ at, service, to }) => ({
    name: 'a cluster IP spreads connections equally and keeps the source of pods (SVC-1, SVC-2, SVC-8)',
    steps: [
      {
        services: [service()],
        probes: [
          {
            from: 'client',
            to: to('cluster IP'),
            times: 150,
            servers: ALL,
            sources: [at.client],
            shares: { 'far:8080': 1, 'near1:8080': 1, 'near2:8080': 1 },
          },
        ],
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'the node, its host-network pods, and the outside by way of it are masqueraded (SVC-8, SVC-30)',
    steps: [
      {
        services: [service()],
        probes: [
          { from: 'node', to: to('cluster IP'), times: 40, servers: ALL, sources: [at.node] },
          { from: 'outside', to: to('cluster IP'), times: 40, servers: ALL, sources: [at.node] },
        ],
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'the same number on three protocols is three ports (SVC-1)',
    steps: [
      {
        services: [
          service({
            backends: ['near1'],
            ports: [
              { ...HTTP, port: 53 },
              { ...DNS, port: 53 },
              { name: 'sctp', protocol: 'SCTP', port: 53 },
            ],
          }),
        ],
        probes: PROTOCOLS.flatMap((protocol) =>
          (['client', 'node'] as const).map((from) => ({
            from,
            protocol,
            to: to('cluster IP', 53),
            times: 3,
            servers: [protocol === 'tcp' ? 'near1:8080' : 'near1'],
            sources: [at[from]],
          })),
        ),
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'every port of a service leads to its own target port (SVC-1)',
    steps: [
      {
        services: [service({ backends: ['near1', 'far'], ports: [HTTP, ADMIN, { ...HTTP, port: 65_535 }, DNS] })],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('cluster IP'), times: 30, servers: ['far:8080', 'near1:8080'] },
          { from, to: to('cluster IP', 81), times: 30, servers: ['far:9090', 'near1:9090'] },
          { from, to: to('cluster IP', 65_535), times: 30, servers: ['far:8080', 'near1:8080'] },
          { from, to: to('cluster IP', 53), protocol: 'udp' as const, times: 30, servers: ['far', 'near1'] },
        ]),
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'a named target port may be another number in each slice (SVC-23)',
    steps: [
      {
        services: [service({ backends: ['near1'] }, { backends: ['near2'], targetPort: 9090 })],
        probes: EVERYWHERE.map((from) => ({
          from,
          to: to('cluster IP'),
          times: 40,
          servers: ['near1:8080', 'near2:9090'],
        })),
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'one pod may have both of two target ports (SVC-23)',
    steps: [
      {
        services: [service({ backends: ['near1'] }, { backends: ['near1'], targetPort: 9090 })],
        probes: [{ from: 'client', to: to('cluster IP'), times: 40, servers: ['near1:8080', 'near1:9090'] }],
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'a pod reaches itself through its own service, masqueraded only then (SVC-7)',
    steps: [
      {
        services: [service({ backends: ['near1'], ports: [HTTP, DNS, { name: 'sctp', protocol: 'SCTP', port: 99 }] })],
        probes: PROTOCOLS.flatMap((protocol) => {
          const port = { tcp: 80, udp: 53, sctp: 99 }[protocol];
          const servers = [protocol === 'tcp' ? 'near1:8080' : 'near1'];
          return [
            { from: 'near1', to: to('cluster IP', port), protocol, servers, sources: [at.node] },
            { from: 'near2', to: to('cluster IP', port), protocol, servers, sources: [at.near2] },
          ];
        }),
      },
    ],
  }),
  ({ family, service, to }) => ({
    name: 'a missing port is refused, an address of nobody is silent (SVC-6)',
    steps: [
      {
        services: [service()],
        probes: EVERYWHERE.flatMap((from) =>
          PROTOCOLS.flatMap((protocol) => [
            { from, protocol, to: to('cluster IP', 81), fails: 'refused' },
            { from, protocol, to: [family === 'ipv4' ? '10.97.0.1' : 'fd00:96::97', 80], fails: 'silence' },
          ]),
        ),
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'a port that no slice has is refused, the others are served (SVC-4, SVC-23)',
    steps: [
      {
        services: [service({ backends: ['near1'], ports: [HTTP, { name: 'absent', protocol: 'TCP', port: 82 }] })],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('cluster IP'), servers: ['near1:8080'] },
          { from, to: to('cluster IP', 82), fails: 'refused' as const },
        ]),
      },
    ],
  }),
  ({ service, also, to }) => ({
    name: 'ports of two services with the same number are their own (SVC-1)',
    steps: [
      {
        services: [service({ backends: ['near1'] }), also(1).service({ backends: ['near2'] })],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('cluster IP'), times: 4, servers: ['near1:8080'] },
          { from, to: also(1).to('cluster IP'), times: 4, servers: ['near2:8080'] },
        ]),
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'large requests and answers go through whole (SVC-30)',
    steps: [
      {
        services: [service({ backends: ['near1', 'far'] })],
        probes: (['client', 'near1', 'node', 'outside'] as const).flatMap((from) => {
          const sourceAt = {
            near1: from === 'client' ? at.client : at.node,
            far: from === 'client' || from === 'near1' ? at[from] : at.node,
          };
          const large = { from, times: 4, sourceAt };
          return [
            { ...large, to: to('cluster IP'), bytes: 200_000 },
            // in fragments
            { ...large, to: to('cluster IP', 53), protocol: 'udp' as const, bytes: 8_000 },
          ];
        }),
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'endpoints may be on the host network of a node (SVC-30)',
    steps: [
      {
        services: [service({ backends: ['node'] })],
        probes: (['client', 'near1', 'node', 'outside'] as const).map((from) => ({
          from,
          to: to('cluster IP'),
          times: 2,
          servers: ['node:8080'],
          ...(from !== 'outside' && { sources: [from === 'node' ? at.node : at[from]] }),
        })),
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'endpoints of hand-written slices may be outside the cluster (SVC-24)',
    steps: [
      {
        services: [service({ backends: ['outside'] })],
        probes: [
          {
            from: 'client',
            to: to('cluster IP'),
            times: 2,
            servers: ['outside:8080'],
            sourceAt: { outside: at.client },
          },
          {
            from: 'client',
            to: to('cluster IP', 53),
            protocol: 'udp',
            servers: ['outside'],
            sourceAt: { outside: at.client },
          },
          { from: 'node', to: to('cluster IP'), times: 2, servers: ['outside:8080'] },
        ],
      },
    ],
  }),
);
