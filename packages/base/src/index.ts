export * from './command-name.ts';
export * from './deadline.ts';
export * from './errors.ts';
export * from './ip.ts';
export * from './logger.ts';
export * from './remember.ts';
export * from './runner.ts';
export * from './selector.ts';
