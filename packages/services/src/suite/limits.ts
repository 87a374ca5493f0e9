import type { Family } from '@podwire/base';
import type { Balance } from '../model.ts';
import type { ProxyMode } from '../proxy.ts';
import { ADDRESS, ADDRESS6, UPLINK } from '../world.fixture.ts';
import type { CaseService } from './case.ts';
import type { Probe } from './probe.ts';

/**
 * What a mode does otherwise than the others, and what is then to be seen: a row of the README's table. As what happens
 * instead is tried and excludes what the others do, a row that no longer holds fails the suite of its mode.
 */
export interface Limit {
  readonly mode: ProxyMode;
  /** The first and the last column of the README's table. */
  readonly what: string;
  readonly instead: string;
  /** What to expect of a probe of these services instead; undefined: the limit has nothing to do with it. */
  readonly expect?: (probe: Probe, services: readonly CaseService[]) => Probe | undefined;
  /** What status() says of a service that meets it; undefined: nothing. */
  readonly problem?: (service: CaseService) => RegExp | undefined;
  /** The change (changes.ts) that fails in this mode. */
  readonly change?: string;
  /** Where it is none of the above: the test file below packages/ that says what happens instead, and a title in it. */
  readonly tested?: readonly [file: string, title: string];
}

/** Whose sockets mode ebpf looks at, beside those of the node. */
const PODS = { node: ['client', 'near1', 'near2'], node2: ['distant'] } as const;
const PLACES = { ipv4: ADDRESS, ipv6: ADDRESS6 };
const familyOf = ({ to }: Probe): Family => (to[0].includes(':') ? 'ipv6' : 'ipv4');
const placesOf = (probe: Probe) => PLACES[familyOf(probe)];

/** The same probe, but that endpoints see this source, those outside that of the node's link to there. */
function seenFrom(probe: Probe, source: string, outside = source): Probe | undefined {
  const { sources, sourceAt } = probe;
  const others = [...(sources ?? []), ...Object.values(sourceAt ?? {})];
  if (others.every((one) => one === source)) return undefined;
  const places = Object.keys(sourceAt ?? {}).map((place) => [place, place === 'outside' ? outside : source]);
  return {
    ...probe,
    ...(sources && { sources: [source] }),
    ...(sourceAt && { sourceAt: Object.fromEntries(places) }),
  };
}

const together = (probe: Probe): Probe | undefined =>
  probe.balance === 'maglev' && probe.grouped === 'spread' ? { ...probe, grouped: 'together' } : undefined;
const podOf = ({ from, by = 'node' }: Probe) => PODS[by].find((pod) => pod === from);
const isOwnSocket = (probe: Probe): boolean => probe.from === 'node' || podOf(probe) !== undefined;

const IPVS = 'services/src/ipvs/ipvs.vm.test.ts';

const UNLIKE = 'random; `status()` says so';

/** A way to balance that a mode does not have. */
function random(mode: ProxyMode, balance: Balance): Limit {
  return {
    mode,
    what: `\`podwire.io/balance: ${balance}\``,
    instead: UNLIKE,
    expect: ({ shares: _, exact: __, ...probe }) =>
      probe.balance === balance && probe.grouped === 'together' ? { ...probe, grouped: 'spread' } : undefined,
    problem: ({ options }) =>
      options?.annotations?.['podwire.io/balance'] === balance
        ? new RegExp(`balance ${balance} is not in mode \\w+, so it is random`)
        : undefined,
  };
}

/** What stands in the place of direct server return. */
const INDIRECT = {
  what: '`podwire.io/forwarding: dsr`',
  instead: 'as without it; `status()` says so',
  tested: ['services/src/direct-return.test.ts', 'modes without it say so, and serve as if it was not asked for'],
} as const;

export const LIMITS: readonly Limit[] = [
  random('nftables', 'least-connections'),
  {
    mode: 'ebpf',
    what: '`podwire.io/balance: least-connections`, of clients outside',
    instead: UNLIKE,
    problem: ({ options }) =>
      options?.annotations?.['podwire.io/balance'] === 'least-connections'
        ? /balance least-connections is for sockets of the node and its pods, and random for other clients/
        : undefined,
  },
  ...(['least-connections', 'source-hash', 'maglev'] as const).map((balance) => random('iptables', balance)),
  ...(['iptables', 'userspace'] as const).map(
    (mode): Limit => ({
      mode,
      what: 'affinity to several addresses of a port',
      instead: 'in common: a client comes to the same endpoint by each of them',
      expect: (probe) =>
        probe.grouped === 'spread' && probe.alternately?.some(([address]) => address !== probe.to[0])
          ? { ...probe, grouped: 'together' }
          : undefined,
    }),
  ),
  {
    mode: 'userspace',
    what: '`podwire.io/balance: maglev`',
    instead: "by the client's address alone, as `source-hash`",
    expect: together,
  },
  {
    mode: 'ebpf',
    what: '`podwire.io/balance: maglev` and `source-hash`, of sockets of the node and its pods',
    instead: 'by network namespace alone',
    expect: (probe) => (isOwnSocket(probe) ? together(probe) : undefined),
  },
  {
    mode: 'userspace',
    what: 'SCTP',
    instead: 'refused, or dropped where clients outside are dropped by policy Local; `status()` says so',
    expect: ({ sourceAt: _, servers: __, ...probe }, services) => {
      if (probe.protocol !== 'sctp' || probe.fails) return undefined;
      const isDropped = services.some(
        ({ address, options: { externalTrafficPolicy, backends } = {} }) =>
          address !== probe.to[0] && externalTrafficPolicy === 'Local' && backends?.join() === 'far',
      );
      return { ...probe, fails: isDropped ? 'silence' : 'refused' };
    },
    problem: ({ options }) =>
      options?.ports?.some(({ protocol }) => protocol === 'SCTP')
        ? /mode userspace cannot relay SCTP and refuses it/
        : undefined,
  },
  {
    mode: 'userspace',
    what: 'source address that an endpoint sees',
    instead: 'always the node: towards pods its InternalIP, to the outside that of the outgoing link',
    expect: (probe) => seenFrom(probe, placesOf(probe)[probe.by ?? 'node'], UPLINK[familyOf(probe)]),
  },
  {
    mode: 'ebpf',
    what: 'source address that an endpoint sees of a pod of the node',
    instead: "always the pod's own, also when it reaches itself and at external addresses",
    expect: (probe) => {
      const pod = podOf(probe);
      return pod && probe.protocol !== 'sctp' ? seenFrom(probe, placesOf(probe)[pod]) : undefined;
    },
  },
  ...(['iptables', 'ipvs', 'userspace'] as const).map((mode): Limit => ({ mode, ...INDIRECT })),
  {
    mode: 'ipvs',
    what: 'affinity after its time',
    instead: 'lasts while IPVS remembers a connection of the client, two minutes after its end',
    change: 'affinity ends after its time, which each new connection starts again (SVC-19)',
  },
  {
    mode: 'ipvs',
    what: 'affinity of pods and the node at external addresses with policy Local',
    instead: "by a hash of the client's address, without a time",
    tested: [IPVS, 'clients inside stay at an external address of policy Local, by their address'],
  },
  {
    mode: 'ipvs',
    what: 'two connections from one port of a client to one endpoint, by two addresses at once',
    instead: 'the older one loses its answers',
    change: 'answers come from the address that was asked, also when two lead one client port to one endpoint (SVC-1)',
  },
  {
    mode: 'ipvs',
    what: 'IPv6 datagrams of the node that are longer than the MTU',
    instead: 'not taken (EMSGSIZE)',
    expect: ({ sourceAt: _, ...probe }) =>
      probe.from === 'node' && probe.protocol === 'udp' && familyOf(probe) === 'ipv6' && (probe.bytes ?? 0) > 1452
        ? { ...probe, fails: 'too long' }
        : undefined,
  },
  {
    mode: 'ipvs',
    what: '`127.0.0.0/8` and `::1` in `nodePortAddresses`',
    instead: 'no node ports there; `status()` says so',
    tested: [IPVS, 'node ports are not at loopback addresses, which is said (SVC-9)'],
  },
  {
    mode: 'userspace',
    what: 'affinity when the agent is restarted',
    instead: 'forgotten',
    change: 'affinity is kept by a restarted room (SVC-19)',
  },
  {
    mode: 'userspace',
    what: 'open connections when the agent is restarted',
    instead: 'end',
    change: 'an open connection outlives a restart of the room (SVC-26, OPS-1)',
  },
  ...(['nftables', 'iptables'] as const).map(
    (mode): Limit => ({
      mode,
      what: '`::1` in `nodePortAddresses`',
      instead: 'no node ports there; `status()` says so',
      tested: ['services/src/suite/loopback.ts', 'where it is not, that is said'],
    }),
  ),
];

/** What a mode does instead of what a probe expects, and the rows that say so. */
export function insteadOf(
  mode: ProxyMode,
  probe: Probe,
  services: readonly CaseService[],
): { readonly probe: Probe; readonly limits: readonly Limit[] } {
  let other = probe;
  const limits = LIMITS.filter((limit) => {
    const next = limit.mode === mode ? limit.expect?.(other, services) : undefined;
    other = next ?? other;
    return next;
  });
  return { probe: other, limits };
}

/** What status() says of services in a mode. */
export function problemsOf(mode: ProxyMode, services: readonly CaseService[]): RegExp[] {
  return LIMITS.filter((limit) => limit.mode === mode).flatMap(({ problem }) =>
    services.flatMap((service) => (service.gone ? [] : (problem?.(service) ?? []))),
  );
}

/** Whether a change (changes.ts) is one that the mode cannot do. */
export function isBeyond(mode: ProxyMode, change: string): boolean {
  return LIMITS.some((limit) => limit.mode === mode && limit.change === change);
}
