import assert from 'node:assert/strict';
import test from 'node:test';
import { probe } from '@podwire/kernel/probe';
import { address, assertTalk, at, withNets } from './talk.fixture.ts';

const absent = probe('netkit').outcome !== 'yes' && 'probe netkit';

test('a netkit pair carries TCP and UDP, and is read back as made', { skip: absent }, async () => {
  await withNets(2, async (nets, spaces) => {
    const [near, far] = [at(nets, 0), at(nets, 1)];
    const netkit = { mode: 'l3', policy: 'forward', peerPolicy: 'forward' } as const;
    near.createLink({ name: 'nk0', kind: 'netkit', netkit, peer: { name: 'eth0', netns: at(spaces, 1) }, up: true });
    far.setLink('eth0', { up: true });
    assert.partialDeepStrictEqual(near.link('nk0'), { kind: 'netkit', netkit: { ...netkit, primary: true } });
    assert.partialDeepStrictEqual(far.link('eth0'), { kind: 'netkit', netkit: { mode: 'l3', primary: false } });
    near.addAddress(address('nk0', '10.0.0.1'));
    far.addAddress(address('eth0', '10.0.0.2'));
    assert.equal(await assertTalk(at(spaces, 0), at(spaces, 1), '10.0.0.2'), 'you are 10.0.0.1');
  });
});
