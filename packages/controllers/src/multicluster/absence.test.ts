import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Absence } from './absence.ts';

test('a cluster is lost when it has been away for ten minutes on end, and not when it is back', () => {
  const clock = new VirtualClock('2026-01-01T00:00:00Z');
  const west = { name: 'west', isAway: true };
  const north = { name: 'north', isAway: false };
  const seen: string[] = [];
  const absence: Absence = new Absence({
    members: [west, north],
    clock,
    onChange: () => seen.push(absence.lost.join() || 'none'),
  });
  clock.advance(9 * 60);
  assert.deepEqual(absence.lost, []);
  west.isAway = false;
  clock.advance(30);
  west.isAway = true;
  clock.advance(9 * 60);
  assert.deepEqual(seen, []);
  clock.advance(2 * 60);
  assert.deepEqual([absence.lost, seen], [['west'], ['west']]);
  north.isAway = true;
  clock.advance(11 * 60);
  west.isAway = false;
  north.isAway = false;
  clock.advance(10);
  assert.deepEqual(seen, ['west', 'west,north', 'none']);
  absence.stop();
  west.isAway = true;
  clock.advance(3600);
  assert.deepEqual(absence.lost, []);
});
