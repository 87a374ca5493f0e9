export * from './client.ts';
export * from './cluster-config.ts';
export * from './errors.ts';
export * from './informer.ts';
export * from './json.ts';
export * from './kinds.ts';
export * from './pod-streams.ts';
export * from './room.ts';
