import type { HorizontalPodAutoscaler, HPAScalingPolicy } from 'kubernetes-types/autoscaling/v2.js';
import type { LimitRange, ReplicationController } from 'kubernetes-types/core/v1.js';
import { defaultPodSpec } from './pod-defaults.ts';

/** Selector and labels are those of the template unless they are given. */
export function defaultReplicationController({ metadata, spec }: ReplicationController): void {
  if (!spec) return;
  defaultPodSpec(spec.template?.spec);
  const labels = spec.template?.metadata?.labels;
  if (!labels) return;
  spec.selector ??= { ...labels };
  if (metadata && !metadata.labels) metadata.labels = { ...labels };
}

/** A container's default limit is the most it may have; its default request is its limit, or the least. */
export function defaultLimitRange({ spec }: LimitRange): void {
  for (const item of spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    const limits = { ...item.max, ...item.default };
    const requests = { ...item.min, ...limits, ...item.defaultRequest };
    if (Object.keys(limits).length > 0) item.default = limits;
    if (Object.keys(requests).length > 0) item.defaultRequest = requests;
  }
}

const SHARE: HPAScalingPolicy = { type: 'Percent', value: 100, periodSeconds: 15 };
const PODS: HPAScalingPolicy = { type: 'Pods', value: 4, periodSeconds: 15 };

/** Without metrics it is 80 % of the CPU; rules of scaling are filled up once there are any. */
export function defaultAutoscaler({ spec }: HorizontalPodAutoscaler): void {
  if (!spec) return;
  if (!spec.metrics?.length) {
    const target = { type: 'Utilization', averageUtilization: 80 };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  if (!spec.behavior) return;
  const { scaleUp, scaleDown } = spec.behavior;
  const policies = (given: HPAScalingPolicy[] | undefined, usual: HPAScalingPolicy[]) =>
    given?.length ? given : usual.map((policy) => ({ ...policy }));
  spec.behavior = {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      ...scaleUp,
      policies: policies(scaleUp?.policies, [PODS, SHARE]),
    },
    scaleDown: { selectPolicy: 'Max', ...scaleDown, policies: policies(scaleDown?.policies, [SHARE]) },
  };
}
