import type { Family } from '@podwire/base';
import { ADDRESS, ADDRESS6, type Place } from '../world.fixture.ts';
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

function matrixCase(plot: Plot, family: Family): ServiceCase {
  // far would see its own address as the source of what comes from the wire
  const clients = (kind: Kind) => CLIENTS.filter((client) => kind !== 'cluster IP' || client !== 'distant');
  const probes = PROTOCOLS.flatMap((protocol) =>
    KINDS.flatMap((kind) => clients(kind).map((from) => probeOf(plot, { from, kind, protocol, family }))),
  );
  return {
    name: `matrix ${family}: policy ${plot.policy}, endpoints on ${plot.backends.join(' and ') || 'no pod'}`,
    steps: [{ services: [serviceOf(plot, family)], probes }],
  };
}

/** By kind of address, but for node ports. */
const RANGES = {
  ipv4: { 'cluster IP': '10.96.4.', 'external IP': '198.51.100.', 'load-balancer IP': '198.51.101.' },
  ipv6: { 'cluster IP': 'fd00:96::40', 'external IP': '2001:db8:1::3:', 'load-balancer IP': '2001:db8:1::4:' },
} as const satisfies Readonly<Record<Family, Partial<Record<Kind, string>>>>;
const PLACES = { ipv4: ADDRESS, ipv6: ADDRESS6 };

function serviceOf({ policy, backends, number }: Plot, family: Family): CaseService {
  const range = RANGES[family];
  return {
    address: range['cluster IP'] + number,
    options: {
      backends,
      addressType: family === 'ipv4' ? 'IPv4' : 'IPv6',
      type: 'LoadBalancer',
      internalTrafficPolicy: policy,
      externalTrafficPolicy: policy,
      externalIPs: [range['external IP'] + number],
      ingress: [{ ip: range['load-balancer IP'] + number }],
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
  readonly family: Family;
}

function probeOf(plot: Plot, client: Client): Probe {
  const { from, kind, protocol, family } = client;
  const { backends, number } = plot;
  const to =
    kind === 'node port'
      ? ([PLACES[family].node, 31_000 + number] as const)
      : ([RANGES[family][kind] + number, protocol === 'tcp' ? 80 : 53] as const);
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

function sourceSeen({ policy }: Plot, { from, kind, family }: Client, backend: Place): string {
  const address = PLACES[family];
  if (from === 'node' || from === backend) return address.node;
  if (kind === 'cluster IP') return from === 'outside' ? address.node : address[from];
  if (policy === 'Cluster') return address.node;
  return from === 'distant' && backend === 'far' ? address.node : address[from];
}

/** Every client, kind of address, policy, placement of endpoints and protocol (SVC-4, SVC-5, SVC-7, SVC-8, SVC-13, SVC-14). */
export const MATRIX_CASES: readonly ServiceCase[] = PLOTS.map((plot) => matrixCase(plot, 'ipv4'));
/** The same in IPv6 (SVC-27); needs a world of both families. */
export const MATRIX6_CASES: readonly ServiceCase[] = PLOTS.map((plot) => matrixCase(plot, 'ipv6'));
