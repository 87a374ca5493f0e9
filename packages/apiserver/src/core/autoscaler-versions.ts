import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from 'kubernetes-types/autoscaling/v2.js';
import type { ApiObject } from '../seam.ts';

interface SpecV1 {
  targetCPUUtilizationPercentage?: number;
  metrics?: MetricSpec[];
}
interface StatusV1 {
  currentCPUUtilizationPercentage?: number;
  currentMetrics?: MetricStatus[];
}
type Metrics = NonNullable<HorizontalPodAutoscaler['spec']>['metrics'];

/** What v2 has and v1 has not is kept in annotations, as Kubernetes does. */
const KEPT = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
};

/** A HorizontalPodAutoscaler of autoscaling/v1 as v2: a share of the CPU is one metric among others. */
export function autoscalerFromV1(object: ApiObject): ApiObject {
  const { targetCPUUtilizationPercentage: cpu, ...spec } = (object.spec ?? {}) as SpecV1;
  const { currentCPUUtilizationPercentage: current, ...status } = (object.status ?? {}) as StatusV1;
  const { [KEPT.metrics]: metrics, [KEPT.behavior]: behavior, ...annotations } = object.metadata.annotations ?? {};
  const target = { type: 'Utilization', averageUtilization: cpu };
  const all = [
    ...(cpu === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', target } }]),
    ...listIn(metrics),
  ];
  const own = {
    type: 'Resource',
    resource: { name: 'cpu', current: { averageUtilization: current, averageValue: '0' } },
  };
  return {
    ...object,
    metadata: { ...object.metadata, annotations },
    spec: { ...spec, ...(all.length > 0 ? { metrics: all } : {}), ...(behavior ? { behavior: dataIn(behavior) } : {}) },
    ...(object.status ? { status: { ...status, ...(current === undefined ? {} : { currentMetrics: [own] }) } } : {}),
  };
}

/** One of v2 as a client of autoscaling/v1 reads it. */
export function autoscalerToV1(object: ApiObject): ApiObject {
  const { metrics = [], behavior, ...spec } = (object.spec ?? {}) as { metrics?: Metrics; behavior?: unknown };
  const {
    currentMetrics = [],
    conditions: _,
    ...status
  } = (object.status ?? {}) as StatusV1 & { conditions?: unknown };
  const cpu = metrics.find(
    (metric) => metric.resource?.name === 'cpu' && metric.resource.target.type === 'Utilization',
  );
  const others = metrics.filter((metric) => metric !== cpu);
  const current = currentMetrics.find((metric) => metric.resource?.name === 'cpu')?.resource?.current;
  const annotations = {
    ...object.metadata.annotations,
    ...(others.length > 0 ? { [KEPT.metrics]: JSON.stringify(others) } : {}),
    ...(behavior === undefined ? {} : { [KEPT.behavior]: JSON.stringify(behavior) }),
  };
  const target = cpu?.resource?.target.averageUtilization;
  const used = current?.averageUtilization;
  return {
    ...object,
    metadata: { ...object.metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    ...(object.status
      ? { status: { ...status, ...(used === undefined ? {} : { currentCPUUtilizationPercentage: used }) } }
      : {}),
  };
}

function listIn(text: string | undefined): readonly MetricSpec[] {
  const data = dataIn(text);
  return Array.isArray(data) ? data : [];
}

/** Undefined for what is not JSON: an annotation anyone may write. */
function dataIn(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
