import { type LocalTime, localTime } from './local-time.ts';
import type { Schedule } from './schedule.ts';

const MINUTE = 60_000;
/** A schedule that has no time within so many ms, like 30 February, has none. */
const HORIZON = 5 * 366 * 24 * 60 * MINUTE;

/**
 * The first time after this one, in ms; undefined: none within five years. A local time that clocks jump over does not
 * happen; one they show twice happens twice.
 */
export function nextTime(schedule: Schedule, after: number, timeZone = 'UTC'): number | undefined {
  if ('every' in schedule) return Math.floor(after / 1000) * 1000 + schedule.every;
  let at = (Math.floor(after / MINUTE) + 1) * MINUTE;
  for (const end = after + HORIZON; at <= end; ) {
    const wait = minutesToWait(schedule, localTime(at, timeZone));
    if (wait === 0) return at;
    at += wait * MINUTE;
  }
  return undefined;
}

/** 0: this minute matches. Never beyond one that does, whatever the clocks do in between: they change by the hour. */
function minutesToWait(schedule: Exclude<Schedule, { every: number }>, { minute, hour, ...date }: LocalTime): number {
  const toNextHour = 60 - minute;
  if (!isDay(schedule, date)) return toNextHour + 60 * Math.max(0, 22 - hour);
  if (!schedule.hours.has(hour)) return toNextHour;
  for (let wait = 0; wait < toNextHour; wait++) if (schedule.minutes.has(minute + wait)) return wait;
  return toNextHour;
}

function isDay(
  { days, months, weekdays, eitherDay }: Exclude<Schedule, { every: number }>,
  { day, month, weekday }: Pick<LocalTime, 'day' | 'month' | 'weekday'>,
): boolean {
  if (!months.has(month)) return false;
  return eitherDay ? days.has(day) || weekdays.has(weekday) : days.has(day) && weekdays.has(weekday);
}
