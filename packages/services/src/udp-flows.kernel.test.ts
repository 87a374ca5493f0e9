import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, parseIp } from '@podwire/base';
import { type Netlink, openNetlink } from '@podwire/kernel';
import { createConnection, listConnections } from '@podwire/kernel/nfnetlink';
import { withNetns } from '@podwire/kernel/testing';
import { UdpFlows } from './udp-flows.ts';

const entry = (n: number): string => `10.96.0.${n} udp 53`;
const at = (...endpoints: readonly number[]): string[] => endpoints.map((last) => `10.244.1.${last}:5353`);

/** From a client to service n, answered by an endpoint. */
function track(netlink: Netlink, n: number, endpoint: number): void {
  const [client, clientPort] = [parseIp('10.244.1.2'), 40_000 + n * 10 + endpoint];
  createConnection(netlink, {
    protocol: 'udp',
    timeout: 300,
    original: { source: client, sourcePort: clientPort, destination: parseIp(`10.96.0.${n}`), destinationPort: 53 },
    reply: {
      source: parseIp(`10.244.1.${endpoint}`),
      sourcePort: 5353,
      destination: client,
      destinationPort: clientPort,
    },
  });
}

const tracked = (netlink: Netlink): string[] =>
  listConnections(netlink, { protocol: 'udp' })
    .map(({ original, reply }) => `${original.destination} by ${reply.source}`)
    .sort();

test('flows of what went within a short time are forgotten together, by what is in force in the end', () =>
  withNetns(1, async (netns) => {
    const netlink = openNetlink('netfilter', netns);
    const flows = new UdpFlows(createLogger({ level: 'error' }), netns);
    try {
      for (const n of [1, 2, 3, 4]) for (const endpoint of [5, 6]) track(netlink, n, endpoint);
      const step = (n: number, before: string[] | undefined, after: string[] | undefined): void =>
        flows.forget(new Map(before ? [[entry(n), before]] : []), new Map(after ? [[entry(n), after]] : []));
      // one endpoint goes; one goes and comes back; a service goes; one gets another endpoint beside, which concerns nobody
      step(1, at(5, 6), at(6));
      step(2, at(5, 6), at());
      step(2, at(), at(5, 6));
      step(3, at(5, 6), undefined);
      step(4, at(5, 6), at(5, 6, 7));
      assert.equal(flows.forgotten, 0, 'nobody waits for it');
      const deadline = performance.now() + 30_000;
      while (flows.forgotten < 3 && performance.now() < deadline) await sleep(5);
      assert.equal(flows.forgotten, 3);
      const left = ['10.96.0.1 by 10.244.1.6', '10.96.0.2 by 10.244.1.5', '10.96.0.2 by 10.244.1.6'];
      left.push('10.96.0.4 by 10.244.1.5', '10.96.0.4 by 10.244.1.6');
      assert.deepEqual(tracked(netlink), left);

      flows.forget(undefined, new Map([[entry(2), at(6)]]));
      flows.close();
      assert.deepEqual([flows.forgotten, tracked(netlink).includes('10.96.0.2 by 10.244.1.5')], [4, false]);
    } finally {
      flows.close();
      netlink.close();
    }
  }));
