import type { NumberTable } from './message.ts';

/** autoscaling/v1. */
export const AUTOSCALING_NUMBERS: NumberTable = {
  Scale: 'metadata spec status',
  ScaleSpec: 'replicas',
  ScaleStatus: 'replicas selector',
  HorizontalPodAutoscaler: 'metadata spec status',
  HorizontalPodAutoscalerSpec: 'scaleTargetRef minReplicas? maxReplicas targetCPUUtilizationPercentage?',
  CrossVersionObjectReference: 'kind name apiVersion',
  HorizontalPodAutoscalerStatus: `observedGeneration? lastScaleTime currentReplicas desiredReplicas
    currentCPUUtilizationPercentage?`,
};

/** autoscaling/v2. */
export const AUTOSCALING_V2_NUMBERS: NumberTable = {
  HorizontalPodAutoscaler: 'metadata spec status',
  HorizontalPodAutoscalerSpec: 'scaleTargetRef minReplicas? maxReplicas metrics behavior',
  CrossVersionObjectReference: 'kind name apiVersion',
  MetricSpec: 'type object pods resource external 7 containerResource',
  ObjectMetricSource: 'describedObject target metric',
  MetricTarget: 'type value averageValue averageUtilization?',
  MetricIdentifier: 'name selector',
  PodsMetricSource: 'metric target',
  ResourceMetricSource: 'name target',
  ExternalMetricSource: 'metric target',
  ContainerResourceMetricSource: 'name target container',
  HorizontalPodAutoscalerBehavior: 'scaleUp scaleDown',
  HPAScalingRules: 'selectPolicy? policies stabilizationWindowSeconds? tolerance',
  HPAScalingPolicy: 'type value periodSeconds',
  HorizontalPodAutoscalerStatus: `observedGeneration? lastScaleTime currentReplicas desiredReplicas currentMetrics
    conditions`,
  MetricStatus: 'type object pods resource external 7 containerResource',
  ObjectMetricStatus: 'metric current describedObject',
  MetricValueStatus: 'value averageValue averageUtilization?',
  PodsMetricStatus: 'metric current',
  ResourceMetricStatus: 'name current',
  ExternalMetricStatus: 'metric current',
  ContainerResourceMetricStatus: 'name current container',
  HorizontalPodAutoscalerCondition: 'type status lastTransitionTime reason message',
};
