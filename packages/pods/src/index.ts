export type { PodIdentity, Wiring } from './attachment.ts';
export { cniRequest } from './client.ts';
export { formatConflist, pluginConfig, removeConflist, writeConflist } from './conflist.ts';
export { createPodsRoom, type PodsContext, type PodsRoom } from './controller.ts';
export { PODS_ERRORS } from './errors.ts';
export type { CniAnswer } from './result.ts';
export { buildShim } from './shim.ts';
export type { ReadyPod } from './verbs.ts';
