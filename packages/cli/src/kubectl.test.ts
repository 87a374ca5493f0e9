import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { isAboutKubectl, kubectlEnvironment, kubectlTarget } from './kubectl.ts';

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

test('what kubectl says of itself needs no lab', () => {
  for (const words of ['', '--help', 'help get', 'get --help', 'completion bash', 'exec -h -- x', 'options'])
    assert.ok(isAboutKubectl(words.split(' ').filter(Boolean)), words);
  for (const words of ['get pods', 'exec p -- ls -h', '-n x get pods'])
    assert.ok(!isAboutKubectl(words.split(' ')), words);
});

test('each lab has a cache of its own, unless one is named', () => {
  assert.deepEqual(kubectlEnvironment('two', { KUBECONFIG: '/other', A: 'b' }), {
    ...{ KUBECACHEDIR: '/run/podwire/two/kubectl-cache', KUBECONFIG: '/run/podwire/two/kubeconfig', A: 'b' },
  });
  assert.equal(kubectlEnvironment('two', { KUBECACHEDIR: '/mine' })['KUBECACHEDIR'], '/mine');
});
