export { createFabricRoom, type FabricRoom } from './controller.ts';
export { FABRIC_ERRORS } from './errors.ts';
export type { Backend } from './model.ts';
