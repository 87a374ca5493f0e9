import type { PlanEntry } from '@podwire/kube';
import type { SocketEntry } from './socket-entry.ts';
import type { SocketHooks } from './socket-hooks.ts';
import type { SocketMaps } from './socket-maps.ts';

/** Where maps and hooks differ from the plan. */
export function observeDrift(
  { maps, hooks }: { readonly maps: SocketMaps; readonly hooks: SocketHooks },
  entries: readonly SocketEntry[],
): PlanEntry[] {
  const why = 'the kernel differs from the plan';
  return [
    ...maps.drift(entries).map(({ map, missing, strange }) => ({
      what: `BPF map ${map}: ${missing} elements missing or different, ${strange} not planned`,
      why,
    })),
    ...hooks.missing().map((hook) => ({ what: `BPF program at ${hook}: not attached`, why })),
  ];
}
