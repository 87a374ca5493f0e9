import { ADDRESS_KINDS, type AddressKind, isInternal } from '../entry.ts';
import type { Place } from '../world.fixture.ts';
import type { ServiceCase } from './case.ts';
import type { Probe } from './probe.ts';
import { type Twin, twins } from './twin.ts';

const POLICIES = ['Cluster', 'Local'] as const;
const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const PORTS = { tcp: 80, udp: 53, sctp: 99 };
const SERVED = [
  { name: 'http', protocol: 'TCP', port: PORTS.tcp },
  { name: 'dns', protocol: 'UDP', port: PORTS.udp },
  { name: 'sctp', protocol: 'SCTP', port: PORTS.sctp },
];
const PLACEMENTS = [[], ['near1'], ['far'], ['near1', 'far']] as const;
const CLIENTS = ['client', 'near1', 'node', 'outside', 'distant'] as const;

type Backend = (typeof PLACEMENTS)[number][number];

/** A service with both policies the same, at every kind of address, and an import with the same endpoints. */
interface Plot {
  readonly policy: (typeof POLICIES)[number];
  readonly backends: readonly Backend[];
}

interface Client {
  readonly from: (typeof CLIENTS)[number];
  readonly kind: AddressKind;
  readonly protocol: (typeof PROTOCOLS)[number];
}

const PLOTS: readonly Plot[] = POLICIES.flatMap((policy) => PLACEMENTS.map((backends) => ({ policy, backends })));

/**
 * Every client, kind of address, policy, placement of endpoints and protocol (SVC-4, SVC-5, SVC-7, SVC-8, SVC-13, SVC-14, SVC-34).
 * Pods of another node do not come here for a cluster IP: theirs is served there.
 */
export const MATRIX_CASES: readonly ServiceCase[] = twins(
  ...PLOTS.map((plot) => (twin: Twin): ServiceCase => {
    const probes = PROTOCOLS.flatMap((protocol) =>
      ADDRESS_KINDS.flatMap((kind) =>
        CLIENTS.filter((from) => !isInternal(kind) || from !== 'distant').map((from) =>
          probeOf(plot, { from, kind, protocol }, twin),
        ),
      ),
    );
    return { name: nameOf(plot), steps: [{ services: [serviceOf(plot, twin), importOf(plot, twin)], probes }] };
  }),
);

/** Cites what is to be seen there. */
function nameOf({ policy, backends }: Plot): string {
  const cited =
    backends.length === 0
      ? 'SVC-4'
      : policy === 'Cluster'
        ? 'SVC-7, SVC-8'
        : `${backends.includes('near1') ? '' : 'SVC-5, '}SVC-13, SVC-14`;
  return `matrix: policy ${policy}, endpoints on ${backends.join(' and ') || 'no pod'} (${cited})`;
}

function serviceOf({ policy, backends }: Plot, { service, externalIp, loadBalancerIp, nodePort }: Twin) {
  return service({
    backends,
    type: 'LoadBalancer',
    internalTrafficPolicy: policy,
    externalTrafficPolicy: policy,
    externalIPs: [externalIp],
    ingress: [{ ip: loadBalancerIp }],
    ports: SERVED.map((port) => ({ ...port, nodePort })),
  });
}

function importOf({ policy, backends }: Plot, { imported }: Twin) {
  return imported({ internalTrafficPolicy: policy, ports: [...SERVED] }, { backends });
}

function probeOf(plot: Plot, client: Client, twin: Twin): Probe {
  const { from, kind, protocol } = client;
  const { backends } = plot;
  const to = twin.to(kind, PORTS[protocol]);
  const usable = backends.filter((backend) => mayUse(plot, client, backend));
  if (backends.length === 0) return { from, to, protocol, fails: 'refused' };
  if (usable.length === 0) return { from, to, protocol, fails: 'silence' };
  const sourceAt = Object.fromEntries(usable.map((backend) => [backend, sourceSeen(plot, client, backend, twin.at)]));
  return { from, to, protocol, times: usable.length * 2 - 1, sourceAt };
}

/** Local is the client's node for a cluster IP; at external addresses it concerns clients from outside only. */
function mayUse({ policy }: Plot, { from, kind }: Client, backend: Backend): boolean {
  if (policy === 'Cluster' || backend !== 'far') return true;
  return !isInternal(kind) && from !== 'outside';
}

function sourceSeen({ policy }: Plot, { from, kind }: Client, backend: Place, at: Twin['at']): string {
  if (from === 'node' || from === backend) return at.node;
  if (isInternal(kind)) return from === 'outside' ? at.node : at[from];
  if (policy === 'Cluster') return at.node;
  return from === 'distant' && backend === 'far' ? at.node : at[from];
}
