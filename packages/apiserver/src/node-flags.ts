import flags from './node-flags.json' with { type: 'json' };

/**
 * What Node is started with for an API server of many objects, in MiB: the space for new objects is small and has one size.
 * Where it grows to the 64 MiB that V8 lets it, every collection of it holds up all watches for 7 ms and more; of 4 MiB one
 * takes about 1 ms, and all together take no longer.
 */
export const API_SERVER_NODE_FLAGS: readonly string[] = flags;
