import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJunit } from './check.ts';
import { formatTable } from './table.ts';

test('columns are as wide as their widest cell and three spaces apart, the last one is not padded', () => {
  assert.equal(
    formatTable(
      ['NAME', 'AGE'],
      [
        ['a-long-name', '5s'],
        ['b', '10m'],
      ],
    ),
    'NAME          AGE\na-long-name   5s\nb             10m',
  );
});

test('a JUnit report counts failures and escapes what hosts and kernels say', () => {
  const report = formatJunit([
    { name: 'DNS', ok: true, detail: 'fine', ms: 12.3 },
    { name: 'a < b & "c"', ok: false, detail: '<script>', ms: 1000 },
  ]);
  assert.match(report, /tests="2" failures="1"/);
  assert.match(report, /name="DNS" time="0.012"\/>/);
  assert.match(report, /name="a &lt; b &amp; &quot;c&quot;" time="1.000">\n {4}<failure message="&lt;script&gt;"\/>/);
});
