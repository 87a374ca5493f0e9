import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { bindUdp, openNetlink } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { deleteFlows, listUdpFlows } from './conntrack.ts';

test('UDP flows are listed and forgotten one by one', () =>
  withNetns(1, async (netns) => {
    const run = (...args: string[]): string =>
      execFileSync('ip', ['netns', 'exec', netns.name ?? '', ...args], { encoding: 'utf8' });
    run(
      'nft',
      'add table ip t; add chain ip t c { type nat hook output priority -100; }; add rule ip t c ip daddr 127.0.0.2 udp dport 53 dnat to 127.0.0.1:5353',
    );
    const server = await bindUdp({ netns, address: '127.0.0.1', port: 5353 });
    const client = await bindUdp({ netns, address: '127.0.0.1', port: 0 });
    const netlink = openNetlink('netfilter', netns);
    try {
      const arrived = new Promise((resolve) => server.once('message', resolve));
      client.send('x', 53, '127.0.0.2');
      client.send('x', 5353, '127.0.0.1');
      await arrived;
      const flows = listUdpFlows(netlink);
      const found = flows.find((flow) => flow.destination === '127.0.0.2');
      assert.deepEqual(
        { ...found, identity: undefined },
        {
          destination: '127.0.0.2',
          destinationPort: 53,
          endpoint: '127.0.0.1',
          endpointPort: 5353,
          identity: undefined,
        },
      );
      assert.ok(found);
      assert.equal(deleteFlows(netlink, [found]), 1);
      assert.equal(deleteFlows(netlink, [found]), 0);
      const left = listUdpFlows(netlink).map((flow) => flow.destination);
      assert.ok(!left.includes('127.0.0.2' as never) && left.includes('127.0.0.1' as never));
    } finally {
      netlink.close();
      server.close();
      client.close();
    }
  }));

test('UDP flows of IPv6 are listed and forgotten', () =>
  withNetns(1, async (netns) => {
    const client = await bindUdp({ netns, address: '::1', port: 0 });
    const netlink = openNetlink('netfilter', netns);
    const run = (...args: string[]): string =>
      execFileSync('ip', ['netns', 'exec', netns.name ?? '', ...args], { encoding: 'utf8' });
    // what makes the kernel track
    run(
      'nft',
      'add table ip6 t; add chain ip6 t c { type filter hook output priority 0; }; add rule ip6 t c ct state new',
    );
    try {
      client.on('error', () => {});
      await new Promise((resolve) => client.send('x', 53, '::1', resolve));
      const [flow] = listUdpFlows(netlink);
      assert.deepEqual([flow?.destination, flow?.destinationPort, flow?.endpoint], ['::1', 53, '::1']);
      assert.ok(flow);
      assert.equal(deleteFlows(netlink, [flow]), 1);
      assert.deepEqual(listUdpFlows(netlink), []);
    } finally {
      netlink.close();
      client.close();
    }
  }));
