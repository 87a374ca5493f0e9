export { createPodRuntime, type PodRuntime } from './pod-runtime.ts';
export { createPodStreams } from './pod-streams.ts';
export { LAB_RUNTIME_ERRORS } from './runtime-errors.ts';
