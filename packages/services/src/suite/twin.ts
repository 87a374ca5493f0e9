import type { Family } from '@podwire/base';
import type { ServiceOptions } from '../api-objects.fixture.ts';
import type { AddressKind } from '../entry.ts';
import { ADDRESS, ADDRESS6, type Place, UPLINK } from '../world.fixture.ts';
import type { CaseService, ServiceCase } from './case.ts';

interface ImportOptions extends ServiceOptions {
  readonly address?: string;
}

type Target = readonly [address: string, port: number];

/** The addresses of one family and of one case, so that a case is written once for both. */
export interface Twin {
  readonly family: Family;
  readonly at: Readonly<Record<Place, string>>;
  /** The other address of the node, on its link to the outside. */
  readonly uplink: string;
  readonly clusterIp: string;
  readonly externalIp: string;
  readonly loadBalancerIp: string;
  /** In none of the service ranges. */
  readonly clustersetIp: string;
  readonly nodePort: number;
  /** Another service of the same case, 1 to 21; from 14 on without a node port. */
  also(i: number): Twin;
  /** A service at the cluster IP. */
  service(options?: ServiceOptions, ...slices: NonNullable<CaseService['slices']>): CaseService;
  /** A ServiceImport, at the clusterset IP unless an address is given, with these slices and no other. */
  imported(options?: ImportOptions, ...slices: NonNullable<CaseService['slices']>): CaseService;
  /** Where a port of the service is; for node ports the port's own number is of no account. */
  to(kind: AddressKind, port?: number, node?: 'node' | 'node2'): Target;
}

interface Ranges {
  readonly cluster: (n: number) => string;
  readonly external: (n: number) => string;
  readonly loadBalancer: (n: number) => string;
  readonly clusterset: (n: number) => string;
  readonly places: Readonly<Record<Place, string>>;
  readonly uplink: string;
}

const byte = (n: number): string => `${n >> 8}.${n & 255}`;
const hex = (n: number): string => n.toString(16);
const RANGES: Readonly<Record<Family, Ranges>> = {
  ipv4: {
    cluster: (n) => `10.96.${byte(0x4000 + n)}`,
    external: (n) => `198.51.${byte(0x8000 + n)}`,
    loadBalancer: (n) => `198.51.${byte(0xa000 + n)}`,
    clusterset: (n) => `198.51.${byte(0xc000 + n)}`,
    places: ADDRESS,
    uplink: UPLINK.ipv4,
  },
  ipv6: {
    cluster: (n) => `fd00:96::${hex(0x4000 + n)}`,
    external: (n) => `2001:db8:1::8:${hex(1 + n)}`,
    loadBalancer: (n) => `2001:db8:1::a:${hex(1 + n)}`,
    clusterset: (n) => `2001:db8:1::c:${hex(1 + n)}`,
    places: ADDRESS6,
    uplink: UPLINK.ipv6,
  },
};
/** Numbers of services of one case are so far apart, so that node ports stay in their range. */
const CASES = 95;

function twin(family: Family, n: number): Twin {
  const { cluster, external, loadBalancer, clusterset, places, uplink } = RANGES[family];
  const clusterIp = cluster(n);
  const [externalIp, loadBalancerIp, clustersetIp] = [external(n), loadBalancer(n), clusterset(n)];
  const nodePort = 30_100 + 2 * n + (family === 'ipv6' ? 1 : 0);
  const addressType = family === 'ipv4' ? 'IPv4' : 'IPv6';
  return {
    family,
    at: places,
    uplink,
    clusterIp,
    externalIp,
    loadBalancerIp,
    clustersetIp,
    nodePort,
    also: (i) => twin(family, n + i * CASES),
    service: (options = {}, ...slices) => ({
      address: clusterIp,
      options: { addressType, ...options },
      slices: slices.map((slice) => ({ addressType, ...slice })),
    }),
    imported: ({ address = clustersetIp, ...options } = {}, ...slices) => ({
      address,
      options: { addressType, ...options },
      slices: slices.map((slice) => ({ addressType, ...slice })),
      isImport: true,
    }),
    to: (kind, port = 80, node = 'node') => {
      if (kind === 'node port') return [places[node], nodePort];
      const addresses = {
        'cluster IP': clusterIp,
        'external IP': externalIp,
        'load-balancer IP': loadBalancerIp,
        'clusterset IP': clustersetIp,
      };
      return [addresses[kind], port];
    },
  };
}

let next = 0;

/** Each case in both families, with addresses and node ports of its own. */
export function twins(...cases: readonly ((twin: Twin) => ServiceCase)[]): ServiceCase[] {
  return cases.flatMap((make) => {
    const n = next++;
    if (n >= CASES) throw new Error(`more than ${CASES} cases: give CASES of twin.ts a larger number`);
    return (['ipv4', 'ipv6'] as const).map((family) => {
      const { name, ...rest } = make(twin(family, n));
      return { ...rest, name: `${name}, ${family}` };
    });
  });
}
