export { createPodRuntime, type PodRuntime } from './pod-runtime.ts';
export { createPodStreams } from './pod-streams.ts';
