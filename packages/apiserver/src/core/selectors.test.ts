import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFieldSelector } from './selectors.ts';

test('field selectors know the fields of each kind', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'n' },
    spec: { nodeName: 'n1' },
    status: { phase: 'Running' },
  };
  assert.equal(parseFieldSelector('Pod', 'spec.nodeName=n1,status.phase!=Failed')?.(pod), true);
  assert.equal(parseFieldSelector('Pod', 'metadata.name=b')?.(pod), false);
  assert.equal(parseFieldSelector('Pod', 'spec.nodeName=')?.({ ...pod, spec: {} }), true);
  assert.equal(parseFieldSelector('Pod', ''), undefined);
  assert.throws(() => parseFieldSelector('ConfigMap', 'spec.nodeName=n1'), /field label not supported: spec\.nodeName/);
});

test('field selectors go by the names of either version, and of old', () => {
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'n' },
    involvedObject: { kind: 'Pod', name: 'p' },
    source: { component: 'kubelet' },
    reportingComponent: 'r',
  };
  for (const text of [
    'involvedObject.name=p',
    'regarding.name=p,regarding.kind!=Node',
    'source=kubelet',
    'reportingController=r',
  ])
    assert.equal(parseFieldSelector('Event', text)?.(event), true, text);
  assert.equal(parseFieldSelector('Event', 'regarding.name=q')?.(event), false);
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, status: { succeeded: 2 } };
  assert.equal(parseFieldSelector('Job', 'status.successful=2')?.(job), true);
  assert.equal(parseFieldSelector('Job', 'status.successful=0')?.({ ...job, status: {} }), true);
});
