import type { AttributesOf } from '@podwire/kernel';
import type { routeAttributes } from '@podwire/kernel/rtnetlink';

type Table = NonNullable<AttributesOf<typeof routeAttributes.rows>['metrics']>;
type Plain = { readonly [K in keyof Table as Exclude<K, 'unknown' | 'mtu'>]?: Exclude<Table[K], undefined> };

/**
 * Metrics of a route but the MTU, which stands at the route; ip-route(8). Times in milliseconds, windows in segments
 * or bytes as there. `lock` lists those that the kernel may not change, `mtu` among them.
 */
export type RouteMetrics = Plain;

export function encodeMetrics({
  mtu,
  metrics,
}: {
  readonly mtu?: number;
  readonly metrics?: RouteMetrics;
}): Table | undefined {
  return mtu === undefined && metrics === undefined ? undefined : { ...metrics, mtu };
}

export function decodeMetrics(table: Table | undefined): {
  mtu: number | undefined;
  metrics: RouteMetrics | undefined;
} {
  const { mtu, unknown: _, ...metrics } = table ?? {};
  return { mtu, metrics: Object.keys(metrics).length === 0 ? undefined : (metrics as RouteMetrics) };
}
