import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable, printableLine } from './printable.ts';

test('what a terminal would obey is spelled out', () => {
  assert.equal(printable('cl\u001b[31mient\u009b2J\r\n\tline'), 'cl\\u001b[31mient\\u009b2J\\u000d\n\tline');
  assert.equal(printableLine('x\ny\u001b[2J'), 'x\\ny\\u001b[2J');
});
