export { createFabricRoom, type FabricRoom } from './controller.ts';
export { FABRIC_ERRORS } from './errors.ts';
export { type Backend, fabricModel } from './model.ts';
export { describeFabric, type FabricDesired, planFabric, type Underlay } from './plan.ts';
