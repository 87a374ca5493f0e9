import type { AttributesOf } from '@podwire/kernel';
import type { routeAttributes } from '@podwire/kernel/rtnetlink';

type Table = NonNullable<AttributesOf<typeof routeAttributes.rows>['metrics']>;
type Plain = { readonly [K in keyof Table as Exclude<K, 'unknown' | 'mtu'>]?: Exclude<Table[K], undefined> };

/**
 * Metrics of a route but the MTU, which stands at the route; ip-route(8). `rtoMin` in milliseconds, `rtt` in eighths and
 * `rttVar` in quarters of one; windows in segments or bytes as there. 0 is as absent. `lock` lists those that the kernel
 * may not change, `mtu` among them.
 */
export type RouteMetrics = Plain;

interface Measured {
  readonly mtu?: number;
  readonly metrics?: RouteMetrics;
}

/** The largest values the kernel keeps; higher ones become these (net/ipv4/metrics.c). */
const LIMITS: Readonly<Record<string, number>> = { advmss: 65_495, hopLimit: 255 };
const LARGEST_MTU = 65_520;

/** What the kernel makes of the metrics: it does not tell of zeros, and cuts what is too large. */
export function normalizeMetrics({ mtu, metrics }: Measured): {
  mtu: number | undefined;
  metrics: RouteMetrics | undefined;
} {
  const kept = Object.entries(metrics ?? {}).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined || value === 0 || (Array.isArray(value) && value.length === 0)) return [];
    const limit = LIMITS[key];
    return [[key, typeof value === 'number' && limit !== undefined && value > limit ? limit : value]];
  });
  return {
    mtu: mtu === 0 ? undefined : mtu !== undefined && mtu > LARGEST_MTU ? LARGEST_MTU : mtu,
    metrics: kept.length === 0 ? undefined : (Object.fromEntries(kept) as RouteMetrics),
  };
}

export function encodeMetrics({ mtu, metrics }: Measured): Table | undefined {
  return mtu === undefined && metrics === undefined ? undefined : { ...metrics, mtu };
}

export function decodeMetrics(table: Table | undefined): {
  mtu: number | undefined;
  metrics: RouteMetrics | undefined;
} {
  const { mtu, unknown: _, ...metrics } = table ?? {};
  return { mtu, metrics: Object.keys(metrics).length === 0 ? undefined : (metrics as RouteMetrics) };
}
