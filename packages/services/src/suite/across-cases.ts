import type { ServiceCase } from './case.ts';
import { type Twin, twins } from './twin.ts';

const ALL = ['far:8080', 'near1:8080', 'near2:8080'];
const NEAR = ['near1:8080', 'near2:8080'];
const FAR = ['far:8080'];
const times = 40;

const nodePort = ({ nodePort: number }: Twin) => ({
  type: 'NodePort',
  ports: [
    { name: 'http', port: 80, nodePort: number },
    { name: 'dns', protocol: 'UDP', port: 53, nodePort: number },
  ],
});
const local = { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' } as const;

/**
 * Pods of either node by the proxy of their own node, and clients that use the node ports of the other one.
 *
 *   outside ── node (near1, near2) ── node2 (far, distant)
 */
export const ACROSS_CASES: readonly ServiceCase[] = twins(
  ({ at, service, to }) => ({
    name: 'pods and host networks of two nodes reach a cluster IP alike (SVC-2, SVC-8, SVC-30)',
    steps: [
      {
        services: [service()],
        probes: [
          { from: 'client', to: to('cluster IP'), times, servers: ALL, sources: [at.client] },
          { from: 'node', to: to('cluster IP'), times, servers: ALL, sources: [at.node] },
          { from: 'distant', to: to('cluster IP'), by: 'node2', times, servers: ALL, sources: [at.distant] },
          // far is in its namespace, where the kernel may take any of its addresses
          { from: 'node2', to: to('cluster IP'), by: 'node2', times, servers: ALL },
        ],
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'internal policy Local is the own node of each client, host networks included (SVC-14)',
    steps: [
      {
        services: [service(local)],
        probes: [
          { from: 'client', to: to('cluster IP'), times, servers: NEAR, sources: [at.client] },
          { from: 'node', to: to('cluster IP'), times, servers: NEAR, sources: [at.node] },
          { from: 'distant', to: to('cluster IP'), by: 'node2', times: 5, servers: FAR, sources: [at.distant] },
          { from: 'node2', to: to('cluster IP'), by: 'node2', times: 5, servers: FAR },
        ],
      },
      {
        services: [service({ ...local, backends: ['near1'] })],
        probes: [
          { from: 'client', to: to('cluster IP'), times: 3, servers: ['near1:8080'] },
          { from: 'distant', to: to('cluster IP'), by: 'node2', fails: 'silence' },
          { from: 'node2', to: to('cluster IP'), by: 'node2', fails: 'silence' },
        ],
      },
    ],
  }),
  (twin) => ({
    name: 'a node port of policy Cluster leads everybody everywhere, by either node (SVC-8, SVC-9)',
    steps: [
      {
        services: [twin.service(nodePort(twin))],
        probes: (['node', 'node2'] as const).flatMap((by) =>
          (['outside', 'client', 'node', 'distant', 'node2'] as const).map((from) => {
            const own = twin.at[by];
            // far is in the namespace of node2: what comes for it over the wire is delivered, which nothing masquerades
            const wired = by === 'node2' && ['outside', 'client', 'node'].includes(from);
            const sourceAt = { near1: own, near2: own, far: wired ? twin.at[from] : own };
            const probe = { from, to: twin.to('node port', 80, by), by, times, servers: ALL };
            return from === by ? probe : { ...probe, sourceAt };
          }),
        ),
      },
    ],
  }),
  (twin) => ({
    name: 'a node port of policy Local: clients outside have the endpoints of the node they come by (SVC-13)',
    steps: [
      {
        services: [twin.service({ ...nodePort(twin), ...local })],
        probes: [
          { from: 'outside', to: twin.to('node port'), times, servers: NEAR, sources: [twin.at.outside] },
          {
            from: 'outside',
            to: twin.to('node port', 80, 'node2'),
            by: 'node2',
            times: 5,
            servers: FAR,
            sources: [twin.at.outside],
          },
          // the host network of another node is outside
          { from: 'node2', to: twin.to('node port'), times, servers: NEAR, sources: [twin.at.node2] },
          {
            from: 'node',
            to: twin.to('node port', 80, 'node2'),
            by: 'node2',
            times: 5,
            servers: FAR,
            sources: [twin.at.node],
          },
        ],
      },
      {
        services: [twin.service({ ...nodePort(twin), ...local, backends: ['near1'] })],
        probes: [
          { from: 'outside', to: twin.to('node port'), times: 3, servers: ['near1:8080'], sources: [twin.at.outside] },
          { from: 'outside', to: twin.to('node port', 80, 'node2'), by: 'node2', fails: 'silence' },
          { from: 'outside', to: twin.to('node port', 80, 'node2'), by: 'node2', protocol: 'udp', fails: 'silence' },
          { from: 'node', to: twin.to('node port', 80, 'node2'), by: 'node2', fails: 'silence' },
        ],
      },
    ],
  }),
  (twin) => ({
    name: 'a node port of policy Local: pods may use all endpoints by either node (SVC-13)',
    steps: [
      {
        services: [twin.service({ ...nodePort(twin), ...local })],
        probes: [
          { from: 'client', to: twin.to('node port'), times, servers: ALL, sources: [twin.at.client] },
          {
            // masqueraded where its replies would go past node-2
            from: 'client',
            to: twin.to('node port', 80, 'node2'),
            by: 'node2',
            times,
            servers: ALL,
            sourceAt: { near1: twin.at.node2, near2: twin.at.node2, far: twin.at.client },
          },
          {
            from: 'distant',
            to: twin.to('node port'),
            times,
            servers: ALL,
            sourceAt: { near1: twin.at.distant, near2: twin.at.distant, far: twin.at.node },
          },
        ],
      },
    ],
  }),
  (twin) => ({
    name: 'without endpoints both nodes refuse (SVC-4)',
    steps: [
      {
        services: [twin.service({ ...nodePort(twin), ...local, backends: [] })],
        probes: (['node', 'node2'] as const).flatMap((by) =>
          (['outside', 'client', 'node', 'distant', 'node2'] as const).flatMap((from) => [
            { from, to: twin.to('node port', 80, by), by, fails: 'refused' as const },
            { from, to: twin.to('node port', 80, by), by, protocol: 'udp' as const, fails: 'refused' as const },
          ]),
        ),
      },
    ],
  }),
  (twin) => ({
    name: 'affinity holds on the node that a client comes by (SVC-19)',
    steps: [
      {
        services: [twin.service({ ...nodePort(twin), sessionAffinity: 'ClientIP' })],
        probes: [
          { from: 'distant', to: twin.to('cluster IP'), by: 'node2', times: 15, grouped: 'together' },
          { from: 'outside', to: twin.to('node port', 80, 'node2'), by: 'node2', times: 15, grouped: 'together' },
        ],
      },
    ],
  }),
  ({ service, to }) => {
    const zone = (name: string) => ({ forZones: [{ name }] });
    return {
      name: 'hints lead clients of each node to their own zone (SVC-20)',
      steps: [
        {
          services: [service({ hints: { near1: zone('zone-a'), near2: zone('zone-a'), far: zone('zone-b') } })],
          probes: [
            { from: 'client', to: to('cluster IP'), times, servers: NEAR },
            { from: 'distant', to: to('cluster IP'), by: 'node2', times: 5, servers: FAR },
          ],
        },
      ],
    };
  },
);
