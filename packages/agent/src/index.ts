export * from './agent.ts';
export * from './memory.ts';
