export { createServicesRoom, type ServicesContext, type ServicesRoom } from './controller.ts';
export { type ModePlan, planMode } from './mode-plan.ts';
export type * from './model.ts';
export { type Desired, plan } from './nftables/plan.ts';
export { modelFromApi, type Snapshot } from './snapshot.ts';
