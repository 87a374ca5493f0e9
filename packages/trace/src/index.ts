export { type ClusterObjects, type ManifestObjects, sortManifests } from './cluster-objects.ts';
export { ClusterView } from './cluster-view.ts';
export { TRACE_ERRORS } from './errors.ts';
export { type ExplainRequest, explain } from './explain.ts';
export { manifestCluster } from './manifest-cluster.ts';
export { PLANNED_ROOMS, planRooms, type RoomPlan } from './room-plan.ts';
export type { Site } from './site.ts';
export { type Explanation, formatExplanation, type Step, type Verdict } from './step.ts';
