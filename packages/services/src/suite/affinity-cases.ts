import type { ServiceCase } from './case.ts';
import { type Twin, twins } from './twin.ts';

const STICKY = { sessionAffinity: 'ClientIP' } as const;
const KINDS = ['node port', 'external IP', 'load-balancer IP'] as const;
const CLIENTS = ['client', 'near1', 'node'] as const;

const everywhere = ({ nodePort, externalIp, loadBalancerIp }: Twin) => ({
  ...STICKY,
  type: 'LoadBalancer',
  externalIPs: [externalIp],
  ingress: [{ ip: loadBalancerIp }],
  ports: [
    { name: 'http', port: 80, nodePort },
    { name: 'dns', protocol: 'UDP', port: 53 },
  ],
});
const times = 20;
const grouped = 'together';
/** So many that a client has one of three endpoints at all of them by chance once in 10^10 times. */
const TARGETS = 22;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Session affinity that stays as it is; what changes is in changes.ts. */
export const AFFINITY_CASES: readonly ServiceCase[] = twins(
  (twin) => ({
    name: 'affinity: a client stays with one endpoint of a cluster IP (SVC-19)',
    steps: [
      {
        services: [twin.service(everywhere(twin))],
        probes: CLIENTS.flatMap((from) => [
          { from, to: twin.to('cluster IP'), times, grouped },
          { from, to: twin.to('cluster IP', 53), protocol: 'udp' as const, times, grouped },
        ]),
      },
    ],
  }),
  (twin) => ({
    name: 'affinity: a client stays by external addresses of policy Cluster (SVC-19)',
    steps: [
      {
        services: [twin.service(everywhere(twin))],
        probes: KINDS.flatMap((kind) =>
          (['outside', 'client', 'node', 'distant'] as const).map((from) => ({
            from,
            to: twin.to(kind),
            times,
            grouped,
          })),
        ),
      },
    ],
  }),
  (twin) => ({
    name: 'affinity: a client stays by external addresses of policy Local, outside with endpoints of the node (SVC-13, SVC-19)',
    steps: [
      {
        services: [twin.service({ ...everywhere(twin), externalTrafficPolicy: 'Local' })],
        probes: KINDS.flatMap((kind) => [
          {
            from: 'outside',
            to: twin.to(kind),
            times,
            grouped,
            sourceAt: { near1: twin.at.outside, near2: twin.at.outside },
          },
          { from: 'client', to: twin.to(kind), times, grouped },
          { from: 'node', to: twin.to(kind), times, grouped },
        ]),
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'affinity: the ports of a service are independent (SVC-19)',
    steps: [
      {
        services: [service({ ...STICKY, ports: range(TARGETS).map((i) => ({ name: `http-${i}`, port: 80 + i })) })],
        probes: [
          // where endpoints take turns, ports are to differ in whose turn it is
          { from: 'outside', to: to('cluster IP'), sourceAt: { near1: at.node, near2: at.node, far: at.node } },
          ...CLIENTS.map((from) => ({
            from,
            to: to('cluster IP'),
            alternately: range(TARGETS - 1).map((i) => to('cluster IP', 81 + i)),
            times: TARGETS,
            grouped: 'spread' as const,
          })),
        ],
      },
    ],
  }),
  ({ service, also, to }) => ({
    name: 'affinity: the addresses of a service are independent (SVC-19)',
    steps: [
      {
        services: [
          service({
            ...STICKY,
            externalIPs: range(TARGETS).map((i) => also(i).externalIp),
            ports: [{ name: 'http', port: 80 }],
          }),
        ],
        probes: [
          {
            from: 'client',
            to: to('external IP'),
            alternately: range(TARGETS - 1).map((i) => also(i + 1).to('external IP')),
            times: TARGETS,
            grouped: 'spread',
          },
        ],
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'affinity with internal policy Local stays on the node (SVC-14, SVC-19)',
    steps: [
      {
        services: [service({ ...STICKY, internalTrafficPolicy: 'Local', backends: ['near1', 'far'] })],
        probes: CLIENTS.map((from) => ({ from, to: to('cluster IP'), times, servers: ['near1:8080'] })),
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'affinity with weights: a client stays (SVC-19, SVC-33)',
    steps: [
      {
        services: [service({ ...STICKY, annotations: { 'podwire.io/weights': `${at.near1}=3` } })],
        probes: [{ from: 'client', to: to('cluster IP'), times, grouped }],
      },
    ],
  }),
);
