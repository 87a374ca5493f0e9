import test from 'node:test';
import { assertComplete } from './kernel-expect.fixture.ts';

test('tools/kernel-expect.json names every probe that the host or the guest must say yes to, and nothing else', () => {
  assertComplete();
});
