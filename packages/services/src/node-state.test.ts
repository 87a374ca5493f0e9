import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoomContext } from '@podwire/kube';
import { NodeState } from './node-state.ts';

test('a Node that is not there, and one that was deleted, are told; rules stay those of the one that was', () => {
  const node = {
    metadata: { name: 'node-1' },
    status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
  };
  const state = new NodeState({ nodeName: 'node-1', config: {} as RoomContext['config'] });
  assert.match(
    state.problems().join(),
    /^there is no Node node-1, whose addresses, .* no node port has an address by it, .*; see that it is registered/,
  );
  state.put({ metadata: { name: 'node-2' } });
  assert.equal(state.problems().length, 1);
  state.put(node);
  assert.deepEqual([state.problems(), state.eligible], [[], true]);
  state.remove(node);
  assert.match(state.problems().join(), /^Node node-1 was deleted: /);
  assert.deepEqual([state.eligible, state.model().addresses], [false, ['172.30.0.11']]);
  state.put(node);
  assert.deepEqual(state.problems(), []);
});
