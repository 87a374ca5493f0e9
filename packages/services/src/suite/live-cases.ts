import type { ServiceCase } from './case.ts';
import { twins } from './twin.ts';

const HTTP = { name: 'http', port: 80 } as const;
const ADMIN = { name: 'admin', port: 81 } as const;
const NEAR = ['near1:8080'];
const EVERYWHERE = ['client', 'node', 'outside'] as const;

/** Services that change: only what they are now matters, not what they were. */
export const LIVE_CASES: readonly ServiceCase[] = twins(
  ({ service, to }) => ({
    name: 'endpoints go and come again: refused in between (SVC-4)',
    steps: [
      {
        services: [service({ backends: ['near1'] })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), servers: NEAR })),
      },
      {
        services: [service({ backends: [] })],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: to('cluster IP'), fails: 'refused' as const },
          { from, to: to('cluster IP', 53), protocol: 'udp' as const, fails: 'refused' as const },
        ]),
      },
      {
        services: [service({ backends: ['far'] })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), servers: ['far:8080'] })),
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'a service goes and comes again: nobody has its address in between (SVC-6, SVC-29)',
    steps: [
      {
        services: [service({ backends: ['near1'] })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), servers: NEAR })),
      },
      {
        services: [{ ...service(), gone: true }],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), fails: 'silence' })),
      },
      {
        services: [service({ backends: ['near2'] })],
        probes: EVERYWHERE.map((from) => ({ from, to: to('cluster IP'), servers: ['near2:8080'] })),
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'ports come and go (SVC-1)',
    steps: [
      {
        services: [service({ backends: ['near1'], ports: [HTTP] })],
        probes: [
          { from: 'client', to: to('cluster IP'), servers: NEAR },
          { from: 'client', to: to('cluster IP', 81), fails: 'refused' },
        ],
      },
      {
        services: [service({ backends: ['near1'], ports: [HTTP, ADMIN] })],
        probes: [
          { from: 'client', to: to('cluster IP'), servers: NEAR },
          { from: 'client', to: to('cluster IP', 81), servers: ['near1:9090'] },
        ],
      },
      {
        services: [service({ backends: ['near1'], ports: [ADMIN] })],
        probes: [
          { from: 'client', to: to('cluster IP'), fails: 'refused' },
          { from: 'client', to: to('cluster IP', 81), servers: ['near1:9090'] },
        ],
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'a port changes its protocol (SVC-1)',
    steps: [
      {
        services: [service({ backends: ['near1'], ports: [{ name: 'http', protocol: 'TCP', port: 53 }] })],
        probes: [
          { from: 'client', to: to('cluster IP', 53), servers: NEAR },
          { from: 'client', to: to('cluster IP', 53), protocol: 'udp', fails: 'refused' },
        ],
      },
      {
        services: [service({ backends: ['near1'], ports: [{ name: 'dns', protocol: 'UDP', port: 53 }] })],
        probes: [
          { from: 'client', to: to('cluster IP', 53), fails: 'refused' },
          { from: 'client', to: to('cluster IP', 53), protocol: 'udp', servers: ['near1'] },
        ],
      },
    ],
  }),
  ({ nodePort, service, to, externalIp, loadBalancerIp }) => {
    const ports = [{ ...HTTP, nodePort }];
    const probes = (at: readonly ('node port' | 'external IP' | 'load-balancer IP')[]) => [
      { from: 'client', to: to('cluster IP'), servers: NEAR } as const,
      ...(['node port', 'external IP', 'load-balancer IP'] as const).flatMap((kind) =>
        (['outside', 'client', 'node'] as const).map((from) =>
          at.includes(kind)
            ? { from, to: to(kind), servers: NEAR }
            : { from, to: to(kind), fails: kind === 'node port' ? ('refused' as const) : ('silence' as const) },
        ),
      ),
    ];
    return {
      name: 'a service changes its type and its external addresses (SVC-29)',
      steps: [
        { services: [service({ backends: ['near1'], ports: [HTTP] })], probes: probes([]) },
        { services: [service({ backends: ['near1'], type: 'NodePort', ports })], probes: probes(['node port']) },
        {
          services: [service({ backends: ['near1'], type: 'LoadBalancer', ports, ingress: [{ ip: loadBalancerIp }] })],
          probes: probes(['node port', 'load-balancer IP']),
        },
        {
          // what a status says counts for this type only
          services: [
            service({
              backends: ['near1'],
              ports: [HTTP],
              externalIPs: [externalIp],
              ingress: [{ ip: loadBalancerIp }],
            }),
          ],
          probes: probes(['external IP']),
        },
        { services: [service({ backends: ['near1'], ports: [HTTP] })], probes: probes([]) },
      ],
    };
  },
  ({ nodePort, service, also, to, at }) => ({
    name: 'a node port changes its number (SVC-10)',
    steps: [
      {
        services: [service({ backends: ['near1'], type: 'NodePort', ports: [{ ...HTTP, nodePort }] })],
        probes: [
          { from: 'outside', to: to('node port'), servers: NEAR },
          { from: 'outside', to: [at.node, also(1).nodePort], fails: 'refused' },
        ],
      },
      {
        services: [
          service({ backends: ['near1'], type: 'NodePort', ports: [{ ...HTTP, nodePort: also(1).nodePort }] }),
        ],
        probes: [
          { from: 'outside', to: to('node port'), fails: 'refused' },
          { from: 'outside', to: [at.node, also(1).nodePort], servers: NEAR },
        ],
      },
    ],
  }),
  ({ nodePort, service, to, at }) => {
    const policy = (externalTrafficPolicy: 'Cluster' | 'Local', internalTrafficPolicy: 'Cluster' | 'Local') =>
      service({
        type: 'NodePort',
        backends: ['near1', 'far'],
        ports: [{ ...HTTP, nodePort }],
        externalTrafficPolicy,
        internalTrafficPolicy,
      });
    const both = ['far:8080', 'near1:8080'];
    const times = 30;
    return {
      name: 'policies change while a service lives (SVC-13, SVC-14)',
      steps: [
        {
          services: [policy('Cluster', 'Cluster')],
          probes: [
            { from: 'outside', to: to('node port'), times, servers: both, sources: [at.node] },
            { from: 'client', to: to('cluster IP'), times, servers: both },
          ],
        },
        {
          services: [policy('Local', 'Cluster')],
          probes: [
            { from: 'outside', to: to('node port'), times, servers: NEAR, sources: [at.outside] },
            { from: 'client', to: to('cluster IP'), times, servers: both },
          ],
        },
        {
          services: [policy('Cluster', 'Local')],
          probes: [
            { from: 'outside', to: to('node port'), times, servers: both, sources: [at.node] },
            { from: 'client', to: to('cluster IP'), times, servers: NEAR },
          ],
        },
      ],
    };
  },
  ({ service, to }) => ({
    name: 'affinity is switched on and off (SVC-19)',
    steps: [
      {
        services: [service()],
        probes: [{ from: 'client', to: to('cluster IP'), times: 30, grouped: 'spread' }],
      },
      {
        services: [service({ sessionAffinity: 'ClientIP' })],
        probes: [{ from: 'client', to: to('cluster IP'), times: 15, grouped: 'together' }],
      },
      {
        services: [service()],
        probes: [{ from: 'client', to: to('cluster IP'), times: 30, grouped: 'spread' }],
      },
    ],
  }),
  ({ family, service, to, also }) => {
    const other = family === 'ipv4' ? 'IPv6' : 'IPv4';
    const dual = { clusterIPs: [to('cluster IP')[0], otherFamily(family, also(1).clusterIp)] };
    return {
      name: 'a service gets addresses of the other family and loses them; each has its own endpoints (SVC-27)',
      steps: [
        {
          services: [service({ backends: ['near1'] })],
          probes: [
            { from: 'client', to: to('cluster IP'), servers: NEAR },
            { from: 'client', to: [dual.clusterIPs[1] ?? '', 80], fails: 'silence' },
          ],
        },
        {
          services: [service({ ...dual, backends: ['near1'] }, { addressType: other, backends: ['near2'] })],
          probes: EVERYWHERE.flatMap((from) => [
            { from, to: to('cluster IP'), times: 5, servers: NEAR },
            { from, to: [dual.clusterIPs[1] ?? '', 80] as const, times: 5, servers: ['near2:8080'] },
          ]),
        },
        {
          services: [service({ ...dual, backends: ['near1'] })],
          probes: EVERYWHERE.flatMap((from) => [
            { from, to: to('cluster IP'), times: 5, servers: NEAR },
            { from, to: [dual.clusterIPs[1] ?? '', 80] as const, fails: 'refused' as const },
          ]),
        },
        {
          services: [service({ backends: ['near1'] })],
          probes: [{ from: 'client', to: [dual.clusterIPs[1] ?? '', 80], fails: 'silence' }],
        },
      ],
    };
  },
);

/** An address nobody else has, in the range of the other family. */
function otherFamily(family: 'ipv4' | 'ipv6', address: string): string {
  const last = family === 'ipv4' ? Number(address.split('.').at(-1)) : Number.parseInt(address.slice(-2), 16);
  return family === 'ipv4' ? `fd00:96::e${last}` : `10.96.200.${last}`;
}
