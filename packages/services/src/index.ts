export { createServicesRoom } from './controller.ts';
export type * from './model.ts';
export { type Desired, plan } from './plan.ts';
export { modelFromApi, type Snapshot } from './snapshot.ts';
