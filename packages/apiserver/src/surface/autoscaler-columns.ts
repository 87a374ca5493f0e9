import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from 'kubernetes-types/autoscaling/v2.js';
import { type Column, count, NONE, text } from './columns.ts';
import { age } from './workload-columns.ts';

const UNKNOWN = '<unknown>';
const SHOWN = 2;

export const AUTOSCALER_COLUMNS: readonly Column<HorizontalPodAutoscaler>[] = [
  text('Reference', ({ spec }) => `${spec?.scaleTargetRef.kind ?? ''}/${spec?.scaleTargetRef.name ?? ''}`),
  text('Targets', ({ spec, status }) => {
    const metrics = spec?.metrics ?? [];
    if (metrics.length === 0) return NONE;
    const all = metrics.map((metric, index) => formatMetric(metric, status?.currentMetrics?.[index]));
    const more = all.length > SHOWN ? ` + ${all.length - SHOWN} more...` : '';
    return all.slice(0, SHOWN).join(', ') + more;
  }),
  text('MinPods', ({ spec }) => String(spec?.minReplicas ?? '<unset>')),
  count('MaxPods', ({ spec }) => spec?.maxReplicas),
  count('Replicas', ({ status }) => status?.currentReplicas),
  age(),
];

/** Current value over target, with the name of a resource and how numbers are meant. */
function formatMetric(metric: MetricSpec, status: MetricStatus | undefined): string {
  const resource = metric.resource ?? metric.containerResource;
  if (resource) {
    const current = (status?.resource ?? status?.containerResource)?.current;
    return `${resource.name}: ${formatResource(resource.target, current)}`;
  }
  const source = metric.external ?? metric.object;
  if (source) {
    const current = (status?.external ?? status?.object)?.current;
    if (!source.target.averageValue) return `${current?.value ?? UNKNOWN}/${source.target.value ?? UNKNOWN}`;
    return `${current?.averageValue ?? UNKNOWN}/${source.target.averageValue} (avg)`;
  }
  return `${status?.pods?.current.averageValue ?? UNKNOWN}/${metric.pods?.target.averageValue ?? UNKNOWN}`;
}

function formatResource(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue}`;
  const used = current?.averageUtilization;
  const wanted = target.averageUtilization;
  return `${used === undefined ? UNKNOWN : `${used}%`}/${wanted === undefined ? '<auto>' : `${wanted}%`}`;
}
