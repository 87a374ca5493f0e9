import { ADDRESS, type Place } from '../world.fixture.ts';
import type { CaseService, ServiceCase } from './case.ts';
import type { Probe } from './probe.ts';

const POLICIES = ['Cluster', 'Local'] as const;
const PROTOCOLS = ['tcp', 'udp'] as const;
const PLACEMENTS = [[], ['near1'], ['far'], ['near1', 'far']] as const;
const KINDS = ['cluster IP', 'node port', 'external IP', 'load-balancer IP'] as const;
const CLIENTS = ['client', 'near1', 'node', 'outside', 'distant'] as const;

type Policy = (typeof POLICIES)[number];
type Backend = (typeof PLACEMENTS)[number][number];
type Kind = (typeof KINDS)[number];

/** A service with both policies the same, at every kind of address. */
interface Plot {
  readonly policy: Policy;
  readonly backends: readonly Backend[];
  /** Makes its addresses and node ports its own. */
  readonly number: number;
}

const PLOTS: readonly Plot[] = POLICIES.flatMap((policy, i) =>
  PLACEMENTS.map((backends, j) => ({ policy, backends, number: 16 * (i + 1) + j })),
);

/** Every client, kind of address, policy, placement of endpoints and protocol (SVC-4, SVC-5, SVC-7, SVC-8, SVC-13, SVC-14). */
export const MATRIX_CASES: readonly ServiceCase[] = PLOTS.map((plot) => ({
  name: `matrix: policy ${plot.policy}, endpoints on ${plot.backends.join(' and ') || 'no pod'}`,
  steps: [
    {
      services: [serviceOf(plot)],
      probes: PROTOCOLS.flatMap((protocol) =>
        KINDS.flatMap((kind) =>
          // far would see its own address as the source of what comes from the wire
          CLIENTS.filter((client) => kind !== 'cluster IP' || client !== 'distant').map((from) =>
            probeOf(plot, { from, kind, protocol }),
          ),
        ),
      ),
    },
  ],
}));

/** How many outcomes the cases stand for. */
export const MATRIX_SIZE = MATRIX_CASES.flatMap(({ steps }) => steps.flatMap(({ probes }) => probes)).length;

function serviceOf({ policy, backends, number }: Plot): CaseService {
  return {
    address: `10.96.4.${number}`,
    options: {
      backends,
      type: 'LoadBalancer',
      internalTrafficPolicy: policy,
      externalTrafficPolicy: policy,
      externalIPs: [`198.51.100.${number}`],
      ingress: [{ ip: `198.51.100.${number + 128}` }],
      ports: [
        { name: 'http', protocol: 'TCP', port: 80, nodePort: 31_000 + number },
        { name: 'dns', protocol: 'UDP', port: 53, nodePort: 31_000 + number },
      ],
    },
  };
}

interface Client {
  readonly from: (typeof CLIENTS)[number];
  readonly kind: Kind;
  readonly protocol: (typeof PROTOCOLS)[number];
}

function probeOf(plot: Plot, client: Client): Probe {
  const { from, kind, protocol } = client;
  const { backends, number } = plot;
  const port = protocol === 'tcp' ? 80 : 53;
  const to = (
    {
      'cluster IP': [`10.96.4.${number}`, port],
      'node port': [ADDRESS.node, 31_000 + number],
      'external IP': [`198.51.100.${number}`, port],
      'load-balancer IP': [`198.51.100.${number + 128}`, port],
    } as const
  )[kind];
  const usable = backends.filter((backend) => mayUse(plot, client, backend));
  if (backends.length === 0) return { from, to, protocol, fails: 'refused' };
  if (usable.length === 0) return { from, to, protocol, fails: 'silence' };
  const sourceAt = Object.fromEntries(usable.map((backend) => [backend, sourceSeen(plot, client, backend)]));
  return { from, to, protocol, times: usable.length * 3, sourceAt };
}

/** Local is the client's node for a cluster IP; at external addresses it concerns clients from outside only. */
function mayUse({ policy }: Plot, { from, kind }: Client, backend: Backend): boolean {
  if (policy === 'Cluster' || backend !== 'far') return true;
  return kind !== 'cluster IP' && from !== 'outside';
}

function sourceSeen({ policy }: Plot, { from, kind }: Client, backend: Place): string {
  if (from === 'node' || from === backend) return ADDRESS.node;
  if (kind === 'cluster IP') return from === 'outside' ? ADDRESS.node : ADDRESS[from];
  if (policy === 'Cluster') return ADDRESS.node;
  return from === 'distant' && backend === 'far' ? ADDRESS.node : ADDRESS[from];
}
