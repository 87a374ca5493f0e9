import assert from 'node:assert/strict';
import test from 'node:test';
import { isErrno, KernelError } from '../errors.ts';
import { withNetns } from '../testing.ts';
import { attributes } from './attribute.ts';
import { pad, s32, struct, text, u8, u16, u32 } from './codec.ts';
import { openNetlink } from './netlink.ts';
import { encodeBody, NLM_F } from './netlink-message.ts';

const [RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK] = [16, 17, 18];
const ifinfomsg = struct('ifinfomsg', { family: u8, _1: pad(1), type: u16, index: s32, flags: u32, change: u32 });
const info = attributes('info', { kind: [1, text] });
const link = attributes('link', { name: [3, text], mtu: [4, u32], info: [18, info] });
const CREATE = NLM_F.CREATE | NLM_F.EXCL;
const bridge = (name: string) => ({
  type: RTM_NEWLINK,
  flags: CREATE,
  body: encodeBody(ifinfomsg, {}, link, { name, info: { kind: 'bridge' } }),
  op: `create ${name}`,
});

test('request, dump and their errors', async () => {
  await withNetns(1, (netns) => {
    const netlink = openNetlink('route', netns);
    try {
      netlink.request(bridge('br0'));
      const [answer] = netlink.request({
        type: RTM_GETLINK,
        flags: 0,
        body: encodeBody(ifinfomsg, {}, link, { name: 'br0' }),
      });
      assert.ok(answer);
      assert.equal(link.read(answer.body.subarray(16)).name, 'br0');
      const all = netlink.dump({ type: RTM_GETLINK, flags: 0, body: encodeBody(ifinfomsg, {}, link, {}) });
      assert.deepEqual(
        all.map((a) => link.read(a.body.subarray(16)).name),
        ['lo', 'br0'],
      );
      assert.throws(
        () => netlink.request(bridge('br0')),
        (error) => isErrno(error, 'EEXIST') && error.op === 'create br0',
      );
    } finally {
      netlink.close();
    }
  });
});

test("the kernel's own words come along", async () => {
  await withNetns(1, (netns) => {
    const netlink = openNetlink('route', netns);
    const body = encodeBody(ifinfomsg, {}, link, { name: 'x0', info: { kind: 'nosuchkind' } });
    assert.throws(
      () => netlink.request({ type: RTM_NEWLINK, flags: CREATE, body }),
      (error) => error instanceof KernelError && error.extack === 'Unknown device type',
    );
    netlink.close();
  });
});

test('a batch larger than one datagram has one result each, in order', async () => {
  await withNetns(1, (netns) => {
    const netlink = openNetlink('route', netns);
    const remove = (name: string) => ({
      type: RTM_DELLINK,
      flags: 0,
      body: encodeBody(ifinfomsg, {}, link, { name }),
      op: `delete ${name}`,
    });
    netlink.request(bridge('br0'));
    const messages = Array.from({ length: 1500 }, (_, i) => remove(i === 700 ? 'br0' : `no${i}`));
    const results = netlink.batch(messages);
    assert.equal(results.length, 1500);
    assert.equal(results[700], undefined);
    assert.ok(results.every((error, i) => i === 700 || (error?.index === i && error.errnoName === 'ENODEV')));
    assert.deepEqual(netlink.batch([]), []);
    netlink.close();
  });
});
