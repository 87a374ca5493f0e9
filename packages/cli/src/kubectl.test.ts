import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { kubectlTarget } from './kubectl.ts';

test('only a first --name is the lab; the rest goes to kubectl as it is', () => {
  assert.deepEqual(kubectlTarget(['get', 'pods']), { name: 'lab', rest: ['get', 'pods'] });
  assert.deepEqual(kubectlTarget(['--name', 'two', '-n', 'x', 'get']), { name: 'two', rest: ['-n', 'x', 'get'] });
  assert.deepEqual(kubectlTarget(['--name=two', 'get']), { name: 'two', rest: ['get'] });
  assert.deepEqual(kubectlTarget(['exec', 'p', '--', 'x', '--name', 'y']).rest.length, 6);
  assert.deepEqual(kubectlTarget([]), { name: 'lab', rest: [] });
  assert.throws(
    () => kubectlTarget(['--name']),
    (error) => hasCode(error, 'CLI_USAGE'),
  );
});
