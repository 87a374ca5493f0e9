import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { localTime } from './local-time.ts';
import { nextTime } from './next-time.ts';
import { parseSchedule, type Schedule } from './schedule.ts';

const parsed = (text: string): Schedule => {
  const schedule = parseSchedule(text);
  assert.ok(schedule, `${text} is no schedule`);
  return schedule;
};
const times = (text: string, after: string, { zone = 'UTC', count = 3 } = {}): string[] => {
  const found: string[] = [];
  for (let at: number | undefined = Date.parse(after); found.length < count; ) {
    at = nextTime(parsed(text), at, zone);
    if (at === undefined) break;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
};

test('fields, names, lists, ranges, steps and words', () => {
  assert.deepEqual(times('*/20 8-9 * * mon-fri', '2030-01-04T09:25:00Z'), [
    '2030-01-04T09:40',
    '2030-01-07T08:00',
    '2030-01-07T08:20',
  ]);
  assert.deepEqual(times('@monthly', '2030-01-15T00:00:00Z', { count: 2 }), ['2030-02-01T00:00', '2030-03-01T00:00']);
  assert.deepEqual(times('0 0 29 2 *', '2030-01-01T00:00:00Z', { count: 1 }), ['2032-02-29T00:00']);
  assert.deepEqual(times('0 0 30 2 *', '2030-01-01T00:00:00Z'), []);
  assert.deepEqual(times('50/5 1 * * *', '2030-01-01T00:00:00Z', { count: 2 }), [
    '2030-01-01T01:50',
    '2030-01-01T01:55',
  ]);
  assert.deepEqual(times('@every 1h30m', '2030-01-01T00:00:00Z', { count: 2 }), [
    '2030-01-01T01:30',
    '2030-01-01T03:00',
  ]);
  for (const wrong of ['', '* * * *', '60 * * * *', '* * 0 * *', '5-1 * * * *', '*/0 * * * *', '@every x', '@often'])
    assert.equal(parseSchedule(wrong), undefined, wrong);
});

test('a day of the month or of the week, when both are limited', () => {
  assert.deepEqual(times('0 0 13 * 5', '2030-09-01T00:00:00Z'), [
    '2030-09-06T00:00',
    '2030-09-13T00:00',
    '2030-09-20T00:00',
  ]);
  assert.deepEqual(times('0 0 13 * *', '2030-09-01T00:00:00Z', { count: 1 }), ['2030-09-13T00:00']);
});

test('in a time zone: what clocks jump over does not happen, what they show twice happens twice', () => {
  const zone = 'Europe/Berlin';
  assert.deepEqual(times('30 2 * * *', '2030-03-30T00:00:00Z', { zone }), [
    '2030-03-30T01:30',
    '2030-04-01T00:30',
    '2030-04-02T00:30',
  ]);
  assert.deepEqual(times('30 2 * * *', '2030-10-26T12:00:00Z', { zone }), [
    '2030-10-27T00:30',
    '2030-10-27T01:30',
    '2030-10-28T01:30',
  ]);
});

test('the next time is the first minute that matches, in any zone, around any change of clocks', () => {
  const zones = [
    'UTC',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'America/Sao_Paulo',
    'Africa/Cairo',
  ];
  const field = (first: number, last: number) =>
    fc.oneof(fc.constant('*'), fc.integer({ min: first, max: last }).map(String), fc.constant('*/7'));
  const text = fc
    .tuple(field(0, 59), field(0, 23), field(1, 28), fc.constant('*'), field(0, 6))
    .map((all) => all.join(' '));
  const start = fc.integer({ min: Date.parse('2015-01-01') / 60_000, max: Date.parse('2031-01-01') / 60_000 });
  const days = 3 * 24 * 60;
  fc.assert(
    fc.property(text, start, fc.constantFrom(...zones), (line, minute, zone) => {
      const schedule = parsed(line);
      assert.ok(!('every' in schedule));
      let expected: number | undefined;
      for (let n = 1; n <= days && expected === undefined; n++) {
        const at = (minute + n) * 60_000;
        const local = localTime(at, zone);
        const [byDay, byWeek] = [schedule.days.has(local.day), schedule.weekdays.has(local.weekday)];
        const isDay = schedule.eitherDay ? byDay || byWeek : byDay && byWeek;
        if (isDay && schedule.hours.has(local.hour) && schedule.minutes.has(local.minute)) expected = at;
      }
      const found = nextTime(schedule, minute * 60_000, zone);
      if (expected === undefined) assert.ok(found === undefined || found > (minute + days) * 60_000);
      else assert.equal(found, expected);
    }),
    { numRuns: 60 },
  );
});
