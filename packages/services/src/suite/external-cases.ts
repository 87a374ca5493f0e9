import type { ServiceCase } from './case.ts';
import { type Twin, twins } from './twin.ts';

const ALL = ['far:8080', 'near1:8080', 'near2:8080'];
const KINDS = ['node port', 'external IP', 'load-balancer IP'] as const;
const INSIDE = ['client', 'node'] as const;
const EVERYWHERE = [...INSIDE, 'outside', 'distant'] as const;

/** A service with an address of every kind. */
const everywhere = ({ nodePort, externalIp, loadBalancerIp }: Twin) => ({
  type: 'LoadBalancer',
  externalIPs: [externalIp],
  ingress: [{ ip: loadBalancerIp }],
  ports: [{ name: 'http', port: 80, nodePort }],
});

/** Node ports, external and load-balancer addresses. */
export const EXTERNAL_CASES: readonly ServiceCase[] = twins(
  (twin) => ({
    name: 'external addresses spread connections and are masqueraded (SVC-8, SVC-9, SVC-11, SVC-12)',
    steps: [
      {
        services: [twin.service(everywhere(twin))],
        probes: KINDS.flatMap((kind) =>
          EVERYWHERE.map((from) => ({
            from,
            to: twin.to(kind),
            times: 40,
            servers: ALL,
            sources: [twin.at.node],
          })),
        ),
      },
    ],
  }),
  ({ at, uplink, nodePort, service, to, family }) => ({
    name: 'node ports are at the primary address only, not at loopback, and only those that are asked for (SVC-9)',
    steps: [
      {
        services: [service({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort }] })],
        probes: [
          { from: 'outside', to: to('node port'), servers: ALL, times: 40 },
          { from: 'node', to: [family === 'ipv4' ? '127.0.0.1' : '::1', nodePort], fails: 'refused' },
          { from: 'outside', to: [uplink, nodePort], fails: 'refused' },
          { from: 'outside', to: [at.node, 80], fails: 'refused' },
          { from: 'outside', to: [at.node, nodePort], protocol: 'udp', fails: 'refused' },
          { from: 'client', to: [at.node, 32_767], fails: 'refused' },
          { from: 'outside', to: [at.near1, nodePort], fails: 'refused' },
        ],
      },
    ],
  }),
  ({ nodePort, service, also, to }) => ({
    name: 'the same node port on another protocol is another service (SVC-10)',
    steps: [
      {
        services: [
          service({ type: 'NodePort', backends: ['near1'], ports: [{ name: 'http', port: 80, nodePort }] }),
          also(1).service({
            type: 'NodePort',
            backends: ['near2'],
            ports: [{ name: 'dns', protocol: 'UDP', port: 53, nodePort }],
          }),
          also(2).service({
            type: 'NodePort',
            backends: ['far'],
            ports: [{ name: 'sctp', protocol: 'SCTP', port: 99, nodePort }],
          }),
        ],
        probes: (['outside', 'client', 'node'] as const).flatMap((from) => [
          { from, to: to('node port'), servers: ['near1:8080'] },
          { from, to: to('node port'), protocol: 'udp' as const, servers: ['near2'] },
          { from, to: to('node port'), protocol: 'sctp' as const, servers: ['far'] },
        ]),
      },
    ],
  }),
  (twin) => ({
    name: 'load-balancer addresses of mode Proxy and names are not taken (SVC-12)',
    steps: [
      {
        services: [
          twin.service({
            ...everywhere(twin),
            externalIPs: [],
            ingress: [{ ip: twin.loadBalancerIp, ipMode: 'Proxy' }, { hostname: 'lb.example.com' }],
          }),
        ],
        probes: [
          ...EVERYWHERE.map((from) => ({ from, to: twin.to('load-balancer IP'), fails: 'silence' as const })),
          { from: 'outside', to: twin.to('node port'), times: 40, servers: ALL },
        ],
      },
    ],
  }),
  ({ service, loadBalancerIp, to }) => ({
    name: 'no node ports and any load-balancer class: its addresses are served all the same (SVC-18)',
    steps: [
      {
        services: [
          service({
            type: 'LoadBalancer',
            allocateLoadBalancerNodePorts: false,
            loadBalancerClass: 'example.com/lb',
            ingress: [{ ip: loadBalancerIp, ipMode: 'VIP' }],
          }),
        ],
        probes: [
          ...EVERYWHERE.map((from) => ({ from, to: to('load-balancer IP'), times: 40, servers: ALL })),
          {
            from: 'outside',
            to: to('load-balancer IP', 53),
            protocol: 'udp',
            times: 40,
            servers: ['far', 'near1', 'near2'],
          },
          { from: 'outside', to: to('node port'), fails: 'refused' },
        ],
      },
    ],
  }),
  (twin) => ({
    name: 'source ranges fence the load-balancer address and nothing else (SVC-17)',
    steps: [
      {
        services: [twin.service({ ...everywhere(twin), loadBalancerSourceRanges: aroundOutside(twin) })],
        probes: [
          { from: 'outside', to: twin.to('load-balancer IP'), times: 40, servers: ALL },
          ...(['client', 'node', 'distant'] as const).flatMap((from) => [
            { from, to: twin.to('load-balancer IP'), fails: 'silence' as const },
            { from, to: twin.to('external IP'), times: 40, servers: ALL },
            { from, to: twin.to('node port'), times: 40, servers: ALL },
          ]),
        ],
      },
      {
        services: [twin.service({ ...everywhere(twin), backends: [], loadBalancerSourceRanges: aroundOutside(twin) })],
        probes: [
          { from: 'outside', to: twin.to('load-balancer IP'), fails: 'refused' },
          { from: 'client', to: twin.to('load-balancer IP'), fails: 'silence' },
          { from: 'client', to: twin.to('external IP'), fails: 'refused' },
        ],
      },
      {
        services: [
          twin.service({ ...everywhere(twin), loadBalancerSourceRanges: ['192.0.2.0/24', '2001:db8:9::/48'] }),
        ],
        probes: EVERYWHERE.map((from) => ({ from, to: twin.to('load-balancer IP'), fails: 'silence' as const })),
      },
      {
        services: [twin.service({ ...everywhere(twin), loadBalancerSourceRanges: ['0.0.0.0/0', '::/0'] })],
        probes: EVERYWHERE.map((from) => ({ from, to: twin.to('load-balancer IP'), times: 40, servers: ALL })),
      },
    ],
  }),
  (twin) => ({
    name: 'of a family without a source range nobody is let in (SVC-17, SVC-27)',
    steps: [
      {
        services: [
          twin.service({
            ...everywhere(twin),
            loadBalancerSourceRanges: [twin.family === 'ipv4' ? '2001:db8::/32' : '203.0.113.0/24'],
          }),
        ],
        probes: [
          { from: 'outside', to: twin.to('load-balancer IP'), fails: 'silence' },
          { from: 'outside', to: twin.to('external IP'), times: 40, servers: ALL },
        ],
      },
    ],
  }),
  (twin) => ({
    name: 'source ranges and external policy Local go together (SVC-13, SVC-17)',
    steps: [
      {
        services: [
          twin.service({
            ...everywhere(twin),
            externalTrafficPolicy: 'Local',
            loadBalancerSourceRanges: aroundOutside(twin),
          }),
        ],
        probes: [
          {
            from: 'outside',
            to: twin.to('load-balancer IP'),
            times: 40,
            servers: ['near1:8080', 'near2:8080'],
            sources: [twin.at.outside],
          },
          { from: 'client', to: twin.to('load-balancer IP'), fails: 'silence' },
          { from: 'client', to: twin.to('external IP'), times: 40, servers: ALL, sources: [twin.at.client] },
        ],
      },
    ],
  }),
  (twin) => ({
    name: 'external policy Local: the outside keeps its address, others may use all endpoints (SVC-13)',
    steps: [
      {
        services: [twin.service({ ...everywhere(twin), externalTrafficPolicy: 'Local' })],
        probes: KINDS.flatMap((kind) => [
          {
            from: 'outside',
            to: twin.to(kind),
            times: 40,
            servers: ['near1:8080', 'near2:8080'],
            sources: [twin.at.outside],
          },
          { from: 'client', to: twin.to(kind), times: 40, servers: ALL, sources: [twin.at.client] },
          { from: 'node', to: twin.to(kind), times: 40, servers: ALL, sources: [twin.at.node] },
          {
            // masqueraded where its replies would go past this node
            from: 'distant',
            to: twin.to(kind),
            times: 40,
            servers: ALL,
            sourceAt: { far: twin.at.node, near1: twin.at.distant, near2: twin.at.distant },
          },
        ]),
      },
    ],
  }),
  (twin) => ({
    name: 'endpoints on the host network and outside the cluster, from outside (SVC-24, SVC-30)',
    steps: [
      {
        services: [
          twin.service({ ...everywhere(twin), backends: ['node'] }),
          twin.also(1).service({ ...everywhere(twin.also(1)), backends: ['node'], externalTrafficPolicy: 'Local' }),
          twin.also(2).service({ ...everywhere(twin.also(2)), backends: ['outside'] }),
        ],
        probes: KINDS.flatMap((kind) => [
          { from: 'outside', to: twin.to(kind), servers: ['node:8080'] },
          { from: 'client', to: twin.to(kind), servers: ['node:8080'] },
          { from: 'outside', to: twin.also(1).to(kind), servers: ['node:8080'], sources: [twin.at.outside] },
          { from: 'client', to: twin.also(2).to(kind), servers: ['outside:8080'] },
          { from: 'outside', to: twin.also(2).to(kind), servers: ['outside:8080'] },
        ]),
      },
    ],
  }),
  (twin) => ({
    name: 'of two services that want the same external address the first by name has it, and status() says so (SVC-11)',
    steps: [
      {
        services: [
          twin.service({ externalIPs: [twin.externalIp], backends: ['near1'], ports: [{ name: 'http', port: 80 }] }),
          twin.also(1).service({
            externalIPs: [twin.externalIp],
            backends: ['near2'],
            ports: [
              { name: 'http', port: 80 },
              { name: 'admin', port: 81 },
            ],
          }),
        ],
        problems: [new RegExp(`external IP ${twin.externalIp} tcp 80 belongs to`)],
        probes: [
          ...EVERYWHERE.map((from) => ({ from, to: twin.to('external IP'), times: 3, servers: ['near1:8080'] })),
          { from: 'client', to: twin.to('external IP', 81), times: 3, servers: ['near2:9090'] },
          { from: 'client', to: twin.also(1).to('cluster IP'), times: 3, servers: ['near2:8080'] },
        ],
      },
      {
        services: [
          { ...twin.service(), gone: true },
          twin.also(1).service({ externalIPs: [twin.externalIp], backends: ['near2'] }),
        ],
        probes: [{ from: 'client', to: twin.to('external IP'), times: 3, servers: ['near2:8080'] }],
      },
    ],
  }),
  (twin) => ({
    name: 'a port that an external address does not have is none of our business (SVC-11)',
    steps: [
      {
        services: [twin.service(everywhere(twin))],
        probes: (['external IP', 'load-balancer IP'] as const).flatMap((kind) =>
          (['client', 'node', 'outside'] as const).map((from) => ({
            from,
            to: twin.to(kind, 81),
            fails: 'silence' as const,
          })),
        ),
      },
    ],
  }),
  ({ at, uplink, service }) => ({
    name: 'external and load-balancer addresses may be those of the node, which keeps its other ports (SVC-11, SVC-12)',
    steps: [
      {
        services: [
          service({
            type: 'LoadBalancer',
            externalIPs: [uplink],
            ingress: [{ ip: at.node }],
            ports: [{ name: 'http', port: 7_000 }],
          }),
        ],
        probes: [uplink, at.node].flatMap((address) =>
          (['outside', 'client', 'node'] as const).flatMap((from) => [
            { from, to: [address, 7_000] as const, times: 40, servers: ALL, sources: [at.node] },
            { from, to: [address, 7_001] as const, fails: 'refused' as const },
            { from, to: [address, 7_000] as const, protocol: 'udp' as const, fails: 'refused' as const },
          ]),
        ),
      },
      {
        services: [service({ ports: [{ name: 'http', port: 7_000 }] })],
        probes: [
          { from: 'outside', to: [uplink, 7_000], fails: 'refused' },
          { from: 'client', to: [at.node, 7_000], fails: 'refused' },
        ],
      },
    ],
  }),
  (twin) => ({
    name: 'large requests and answers by external addresses (SVC-30)',
    steps: [
      {
        services: [twin.service({ ...everywhere(twin), backends: ['near1', 'far'] })],
        probes: KINDS.map((kind) => ({
          from: 'outside',
          to: twin.to(kind),
          times: 4,
          bytes: 200_000,
          sourceAt: { near1: twin.at.node, far: twin.at.node },
        })),
      },
    ],
  }),
);

/** Ranges that overlap, one written with spaces. */
function aroundOutside({ family }: Twin): string[] {
  return family === 'ipv4' ? [' 203.0.113.8/29', '203.0.113.10/32'] : ['2001:db8::10/124 ', '2001:db8::10/128'];
}
