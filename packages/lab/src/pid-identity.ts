import { readFileSync } from 'node:fs';

/** Field 22 of /proc/PID/stat, in clock ticks since boot (proc(5)): with the pid it names a process for good. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '';
    const [state, ...fields] = afterName.split(' ');
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
