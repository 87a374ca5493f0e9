import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@podwire/base';
import { RoomErrors } from './room-errors.ts';

test('what is wrong in a room is told, and once that it is so no more', () => {
  const lines: string[] = [];
  const write = (line: string): void => {
    const { level, msg, room, reason } = JSON.parse(line);
    lines.push(`${level}: ${msg}: ${room}: ${reason}`);
  };
  const status = (...errors: string[]) => [{ room: 'services', ready: true, errors, facts: {} }];
  const log = new RoomErrors(createLogger({ format: 'json', write }), status('there is no Node n9', 'no room'));
  const wrong = 'error: something is wrong in a room: services:';
  assert.deepEqual(lines.splice(0), [`${wrong} there is no Node n9`, `${wrong} no room`]);
  log.look(status('no room', 'another'));
  log.look(status('no room'));
  assert.deepEqual(lines.splice(0), ['info: this is wrong in a room no more: services: there is no Node n9']);
  assert.equal(log.empty, false);
  log.look(status());
  assert.equal(lines.length, 1);
  assert.equal(log.empty, true);
});
