import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What this program holds of the machine. */
export interface Footprint {
  readonly descriptors: number;
  readonly threads: number;
  /** Network namespaces that its threads are in or that it holds open. */
  readonly namespaces: number;
  /** After a garbage collection. */
  readonly residentMiB: number;
}

/** Arenas of the C library and of V8 keep some of what workers used. */
const GROWTH_MIB = 48;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export async function footprint(): Promise<Footprint> {
  for (let i = 0; i < 3; i++) {
    collect();
    await sleep(50);
  }
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: field('Threads'),
    namespaces: networkNamespaces().size,
    residentMiB: field('VmRSS') / 1024,
  };
}

function networkNamespaces(): Set<string> {
  const links = [
    ...readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`),
    ...readdirSync('/proc/self/task').map((task) => `/proc/self/task/${task}/ns/net`),
  ];
  return new Set(links.flatMap((link) => targetOf(link) ?? []).filter((target) => target.startsWith('net:[')));
}

/** undefined for a descriptor or thread that is gone by now. */
function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

export function formatFootprint({ descriptors, threads, namespaces, residentMiB }: Footprint): string {
  return `${descriptors} descriptors, ${threads} threads, ${namespaces} namespaces, ${residentMiB.toFixed(0)} MiB`;
}

/** What is not as before, in words; memory may grow a little. */
export function differences(before: Footprint, after: Footprint): string[] {
  const counts = (['descriptors', 'threads', 'namespaces'] as const).flatMap((name) =>
    after[name] === before[name] ? [] : [`${before[name]} ${name} before, ${after[name]} after`],
  );
  const growth = after.residentMiB - before.residentMiB;
  return growth > GROWTH_MIB
    ? [...counts, `memory grew by ${growth.toFixed(0)} MiB, allowed are ${GROWTH_MIB}`]
    : counts;
}
