import flags from './node-flags.json' with { type: 'json' };

/**
 * What Node is started with for an API server of many objects, in MiB: the space for new objects has one size. Where it grows
 * to the 64 MiB that V8 lets it, a collection of it holds up all watches for longer; where it is much smaller, more of what
 * writes make is still in use when it is collected, and all collections together take two to three times as long.
 */
export const API_SERVER_NODE_FLAGS: readonly string[] = flags;
