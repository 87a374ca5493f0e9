import type { Environment } from '@marcbachmann/cel-js';

/** `1m30s` in the library's type. */
interface Duration {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Conversions of CEL that the library lacks. */
export function registerConversions(environment: Environment): void {
  const [time, duration] = ['google.protobuf.Timestamp', 'google.protobuf.Duration'];
  environment
    .registerFunction(`int(${time}): int`, (date: Date) => BigInt(Math.floor(date.getTime() / 1000)))
    .registerFunction(`string(${time}): string`, (date: Date) => date.toISOString().replace(/\.?0*Z$/, 'Z'))
    .registerFunction(`timestamp(${time}): ${time}`, (date: Date) => date)
    .registerFunction(`string(${duration}): string`, durationText)
    .registerFunction(`duration(${duration}): ${duration}`, (one: Duration) => one);
}

export function isDuration(value: unknown): value is Duration {
  return typeof value === 'object' && value !== null && 'seconds' in value && 'nanos' in value;
}

/** Seconds only, as CEL writes them. */
export function durationText({ seconds, nanos }: Duration): string {
  const sign = seconds < 0n || nanos < 0 ? '-' : '';
  const fraction = String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '');
  return `${sign}${seconds < 0n ? -seconds : seconds}${fraction ? `.${fraction}` : ''}s`;
}
