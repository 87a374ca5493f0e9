export * from './errors.ts';
export * from './seam.ts';
export * from './server.ts';
