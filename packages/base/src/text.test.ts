import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './logger.ts';
import { selectorMatches } from './selector.ts';

test('label selectors (meta/v1)', () => {
  const labels = { app: 'web', tier: 'front' };
  const cases: [Parameters<typeof selectorMatches>[0], boolean][] = [
    [{}, true],
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'web', tier: 'back' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'x'] }] }, true],
    [{ matchExpressions: [{ key: 'none', operator: 'In', values: ['web'] }] }, false],
    [{ matchExpressions: [{ key: 'none', operator: 'NotIn', values: ['web'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    [
      {
        matchExpressions: [
          { key: 'app', operator: 'Exists' },
          { key: 'gone', operator: 'DoesNotExist' },
        ],
      },
      true,
    ],
    [{ matchExpressions: [{ key: 'app', operator: 'Near' }] }, false],
    [{ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'toString', operator: 'DoesNotExist' }] }, true],
  ];
  for (const [selector, expected] of cases)
    assert.equal(selectorMatches(selector, labels), expected, JSON.stringify(selector));
});

test('a log line is one line, whatever the values hold', () => {
  const lines: string[] = [];
  const now = (): Date => new Date(0);
  createLogger({ write: (line) => lines.push(line), now })
    .child({ room: 'dns' })
    .error('failed', { reason: 'a "b"\nc', count: 3 });
  createLogger({ write: (line) => lines.push(line), now, format: 'json' }).info('ok', { error: new Error('x') });
  createLogger({ write: (line) => lines.push(line), now }).debug('hidden');
  assert.deepEqual(lines, [
    'time=1970-01-01T00:00:00.000Z level=error msg=failed room=dns reason="a \\"b\\"\\nc" count=3',
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","msg":"ok","error":"x"}',
  ]);
});
