import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastWords } from './daemon-log.ts';

const ROWS: readonly (readonly [what: string, log: string, words: string])[] = [
  [
    'an uncaught error',
    'time=1 level=info msg="starting"\nfile:///x/daemon.ts:12\n  throw new Error();\n        ^\n\nTypeError [ERR_X]: no such thing\n    at a (b:1)\n\nNode.js v24.11.0\n',
    'TypeError [ERR_X]: no such thing',
  ],
  [
    'an error that was logged',
    'time=1 level=error msg="no port" reason=EADDRINUSE\ntime=2 level=info msg=bye\n',
    'time=1 level=error msg="no port" reason=EADDRINUSE',
  ],
  [
    'the later of two',
    'Error: first\n    at x\ntime=2 level=error msg=second\n\nNode.js v24.11.0\n',
    'time=2 level=error msg=second',
  ],
  ['no error at all', 'out of memory\n    at x\n\nNode.js v24.11.0\n', 'out of memory'],
  ['nothing', '', ''],
];

for (const [what, log, words] of ROWS) test(`last words: ${what}`, () => assert.equal(lastWords(log), words));
