import { nextTime } from './next-time.ts';
import type { Schedule } from './schedule.ts';

/** More of them say that the clock is wrong or that the CronJob was away for long. */
export const MANY_MISSED = 100;

export interface Missed {
  /** The latest time that has come. */
  readonly latest: number;
  /** How many have, this one included; counted up to a little over MANY_MISSED. */
  readonly count: number;
}

/** Times after `since` up to `now`, in ms; undefined: none. */
export function missedTimes(
  schedule: Schedule,
  { since, now, zone }: { since: number; now: number; zone: string },
): Missed | undefined {
  let latest: number | undefined;
  let count = 0;
  let at = nextTime(schedule, since, zone);
  while (at !== undefined && at <= now) {
    latest = at;
    count++;
    // Far behind: the rest is found from the other end.
    if (count > MANY_MISSED) return { latest: latestBefore(schedule, now, zone) ?? latest, count };
    at = nextTime(schedule, at, zone);
  }
  return latest === undefined ? undefined : { latest, count };
}

/** Looks back over spans that double until one holds a time. */
function latestBefore(schedule: Schedule, now: number, zone: string): number | undefined {
  if ('every' in schedule) return now - (now % schedule.every);
  for (let span = 60_000; span < 400 * 86_400_000; span *= 2) {
    let latest: number | undefined;
    for (
      let at = nextTime(schedule, now - span - 1, zone);
      at !== undefined && at <= now;
      at = nextTime(schedule, at, zone)
    )
      latest = at;
    if (latest !== undefined) return latest;
  }
  return undefined;
}
