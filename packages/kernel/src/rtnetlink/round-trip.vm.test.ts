import assert from 'node:assert/strict';
import test from 'node:test';
import { fuzzDecoder } from '../fuzz.ts';
import { attributesAfter } from '../netlink/netlink-message.ts';
import { withNetns } from '../testing.ts';
import { linkAttributes, linkKinds } from './link.ts';
import { assertRoundTrip, COMMON_LINES, decode, dumpAll, ipBatch, RARE_LINES } from './round-trip.fixture.ts';

/** Made elsewhere or not made by this kernel. */
const ABSENT = ['bareudp', 'tun', 'netkit', 'ip6erspan', 'ipvtap'];

test('every kind of link that the kernel tells of survives decoding and encoding', async () => {
  await withNetns(1, (netns) => {
    const refused = ipBatch(netns, [...COMMON_LINES, ...RARE_LINES]);
    const messages = dumpAll(netns);
    for (const message of messages) assertRoundTrip(message);
    const links = messages.filter(({ type }) => type === 16).map(({ body }) => body);
    const kinds = new Set(links.map((body) => linkAttributes.read(attributesAfter(body, 16)).info?.kind));
    const missing = Object.keys(linkKinds).filter((kind) => !kinds.has(kind) && !ABSENT.includes(kind));
    assert.deepEqual(missing, [], refused);
    fuzzDecoder((body) => decode({ type: 16, body }), { samples: links, runs: 500 });
  });
});
