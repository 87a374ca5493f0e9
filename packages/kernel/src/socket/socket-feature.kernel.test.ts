import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { withNetns } from '../testing.ts';
import { TUN_FEATURES } from '../tun/tun-feature.ts';
import { SOCKET_FEATURES } from './socket-feature.ts';

test('every trial of sockets and tun links passes here and leaves nothing open', async () => {
  await withNetns(1, async (netns) => {
    const open = () => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    for (const { trial } of [...Object.values(SOCKET_FEATURES), ...Object.values(TUN_FEATURES)]) netns.run(trial);
    assert.equal(open(), before);
    const links = netns.run(() => fs.readFileSync('/proc/thread-self/net/dev', 'utf8'));
    assert.doesNotMatch(links, /t[ua][np]\d/);
  });
});
