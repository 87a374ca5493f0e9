import type { TypeTable } from './notation.ts';

/** autoscaling/v1. Scale is the body of every `/scale` subresource. */
export const AUTOSCALING_TYPES: TypeTable = {
  Scale: 'TypeMeta spec:ScaleSpec status:ScaleStatus',
  ScaleSpec: 'replicas:int32',
  ScaleStatus: 'replicas+:int32 selector',
  HorizontalPodAutoscaler: 'TypeMeta spec+:HorizontalPodAutoscalerSpec status:HorizontalPodAutoscalerStatus',
  HorizontalPodAutoscalerSpec: `maxReplicas+:int32 minReplicas:int32 scaleTargetRef+:CrossVersionObjectReference
    targetCPUUtilizationPercentage:int32`,
  CrossVersionObjectReference: 'apiVersion kind+ name+',
  HorizontalPodAutoscalerStatus: `currentCPUUtilizationPercentage:int32 currentReplicas+:int32 desiredReplicas+:int32
    lastScaleTime:time observedGeneration:int64`,
};

const METRIC_SOURCE = `containerResource:ContainerResourceMetricSource external:ExternalMetricSource
  object:ObjectMetricSource pods:PodsMetricSource resource:ResourceMetricSource type*`;
const METRIC_STATUS = METRIC_SOURCE.replaceAll('MetricSource', 'MetricStatus').replace('type*', 'type+');

/** autoscaling/v2. */
export const AUTOSCALING_V2_TYPES: TypeTable = {
  HorizontalPodAutoscaler: 'TypeMeta spec+:HorizontalPodAutoscalerSpec status:HorizontalPodAutoscalerStatus',
  HorizontalPodAutoscalerSpec: `behavior:HorizontalPodAutoscalerBehavior maxReplicas+:int32 metrics:MetricSpec[]
    minReplicas:int32=1 scaleTargetRef+:CrossVersionObjectReference`,
  HorizontalPodAutoscalerBehavior: 'scaleDown:HPAScalingRules scaleUp:HPAScalingRules',
  HPAScalingRules: `policies:HPAScalingPolicy[] selectPolicy(Disabled|Max|Min) stabilizationWindowSeconds:int32
    tolerance:quantity`,
  HPAScalingPolicy: 'periodSeconds*:int32 type*(Percent|Pods) value*:int32',
  MetricSpec: METRIC_SOURCE,
  ContainerResourceMetricSource: 'container* name* target+:MetricTarget',
  MetricTarget: 'averageUtilization:int32 averageValue:quantity type*(AverageValue|Utilization|Value) value:quantity',
  ExternalMetricSource: 'metric+:MetricIdentifier target+:MetricTarget',
  MetricIdentifier: 'name* selector:LabelSelector',
  ObjectMetricSource: 'describedObject+:CrossVersionObjectReference metric+:MetricIdentifier target+:MetricTarget',
  CrossVersionObjectReference: 'apiVersion kind* name*',
  PodsMetricSource: 'metric+:MetricIdentifier target+:MetricTarget',
  ResourceMetricSource: 'name* target+:MetricTarget',
  HorizontalPodAutoscalerStatus: `conditions:HorizontalPodAutoscalerCondition[]@type currentMetrics:MetricStatus[]
    currentReplicas:int32 desiredReplicas+:int32 lastScaleTime:time observedGeneration:int64`,
  HorizontalPodAutoscalerCondition: 'lastTransitionTime:time message reason status+ type+',
  MetricStatus: METRIC_STATUS,
  ContainerResourceMetricStatus: 'container+ current+:MetricValueStatus name+',
  MetricValueStatus: 'averageUtilization:int32 averageValue:quantity value:quantity',
  ExternalMetricStatus: 'current+:MetricValueStatus metric+:MetricIdentifier',
  ObjectMetricStatus: `current+:MetricValueStatus describedObject+:CrossVersionObjectReference
    metric+:MetricIdentifier`,
  PodsMetricStatus: 'current+:MetricValueStatus metric+:MetricIdentifier',
  ResourceMetricStatus: 'current+:MetricValueStatus name+',
};
