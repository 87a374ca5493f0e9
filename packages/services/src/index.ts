export { createServicesRoom } from './controller.ts';
export { type DirectMember, directReturn } from './direct-return.ts';
export { type ModePlan, planMode } from './mode-plan.ts';
export type * from './model.ts';
export { type Desired, plan } from './nftables/plan.ts';
export type { ServicesContext, ServicesRoom } from './services-room.ts';
export { modelFromApi, type Snapshot } from './snapshot.ts';
export { portTargets } from './target.ts';
