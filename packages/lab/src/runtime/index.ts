export type { Cni, CniAttachment } from './cni.ts';
export { LAB_RUNTIME_ERRORS } from './errors.ts';
export { createPodRuntime, type PodRuntime, type PodRuntimeOptions } from './pod-runtime.ts';
export { createPodStreams } from './pod-streams.ts';
