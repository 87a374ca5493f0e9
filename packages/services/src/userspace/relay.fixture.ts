import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseIp } from '@podwire/base';
import { DatagramBatch, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import type { EndpointModel } from '../model.ts';
import type { ListenerPlan } from './listener-plan.ts';
import { LIMITS, newCounters, type Relay, type RelayContext, type RelayLimits } from './relay.ts';
import { openTcpRelay } from './tcp-relay.ts';
import { openUdpRelay } from './udp-relay.ts';

/*
 *   clients 127.0.0.* ──▶ relay 127.0.0.1 ──▶ endpoints 127.0.1.*:8080
 */
export const endpoint = (last: number, port = 8080): EndpointModel => ({
  address: parseIp(`127.0.1.${last}`),
  port,
  ready: true,
  fallback: false,
  local: true,
  maybeLocal: true,
});

function contextOf(netns: Netns, limits: Partial<RelayLimits> = {}): RelayContext {
  return {
    netns,
    limits: { ...LIMITS, ...limits },
    counters: newCounters(),
    batch: new DatagramBatch({ count: 16, size: 65_535 }),
    source: () => undefined,
    captured: () => false,
  };
}

export const planOf = (protocol: 'tcp' | 'udp', endpoints: readonly EndpointModel[]): ListenerPlan => ({
  id: 'x',
  protocol,
  address: parseIp('127.0.0.1'),
  endpoints,
  affinitySeconds: 0,
});

/** Runs with a relay that is closed afterwards. */
export function withRelay(
  t: TestContext,
  {
    protocol,
    endpoints,
    limits = {},
  }: {
    readonly protocol: 'tcp' | 'udp';
    readonly endpoints: readonly EndpointModel[];
    readonly limits?: Partial<RelayLimits>;
  },
  fn: (on: { readonly netns: Netns; readonly relay: Relay; readonly context: RelayContext }) => Promise<void>,
): Promise<void> {
  return withNetns(1, async (netns) => {
    const context = contextOf(netns, limits);
    const open = protocol === 'tcp' ? openTcpRelay : openUdpRelay;
    const relay = await open(planOf(protocol, endpoints), context);
    t.after(() => relay.close());
    try {
      await fn({ netns, relay, context });
    } finally {
      relay.close();
    }
  });
}

export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 12_000 && !condition(); i++) await sleep(10);
  assert.ok(condition());
}
