import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { type World, type WorldOptions, withWorld } from '../world.fixture.ts';

export type Variant = 'iptables-nft' | 'iptables-legacy';
export const FOREIGN_RULE = 'INPUT -s 192.0.2.1/32 -m comment --comment "somebody else" -j ACCEPT';

/** Runs a program of iptables in a namespace. */
export function iptables(netns: Netns, program: string, input: string, ...args: string[]): string {
  const all = ['netns', 'exec', netns.name ?? '', program, ...args];
  return execFileSync('ip', all, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Whether the kernel takes rules of the variant, by trying. */
export function missing(variant: Variant): Promise<string | undefined> {
  return withNetns(1, (netns) => {
    try {
      iptables(
        netns,
        `${variant}-restore`,
        '*nat\n-A OUTPUT -m recent --set --name x -m statistic --mode random --probability 0.5 -j ACCEPT\nCOMMIT\n',
      );
      return undefined;
    } catch (error) {
      return `${variant} does not work here: ${error}`;
    }
  });
}

/** A room in mode iptables on a machine that lives with one variant: somebody's rule is there before it. */
export async function withVariant(
  t: TestContext,
  variant: Variant,
  fn: (world: World) => Promise<void>,
  options: WorldOptions = {},
): Promise<void> {
  const why = await missing(variant);
  if (why !== undefined) return t.skip(why);
  await withWorld(
    async (world) => {
      assert.equal(world.room.status().facts.variant, variant);
      await fn(world);
    },
    ({ node }) => {
      const before = iptables(node, `${variant}-save`, '');
      if (!before.includes('somebody else'))
        iptables(node, `${variant}-restore`, `*filter\n-A ${FOREIGN_RULE}\nCOMMIT\n`, '--noflush');
      return { ...options, proxyMode: 'iptables' };
    },
  );
}
