export { type Allocation, planAllocation } from './allocation-plan.ts';
export { type AddressAllocator, type AllocatorOptions, startAddressAllocator } from './allocator.ts';
export { type Announcement, planAnnouncement } from './announcement-plan.ts';
export { createLoadBalancerRoom } from './controller.ts';
export type * from './model.ts';
export { announcedAddresses, announcingNodes } from './model-from-api.ts';
