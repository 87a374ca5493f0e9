import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withNetns } from '@podwire/kernel/testing';
import { detectIptables } from './commands.ts';
import { iptables, missing } from './variant-world.fixture.ts';

const OURS = '*nat\n:PODWIRE-SERVICES - [0:0]\nCOMMIT\n';
const HINT = '*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n';
const CANARY = '*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n';
const rules = (count: number): string =>
  `*filter\n${Array.from({ length: count }, (_, i) => `-A INPUT -s 192.0.2.${i}/32 -j ACCEPT\n`).join('')}COMMIT\n`;

/** What the machine has of either variant, and the one it lives with. */
const CASES = [
  { has: 'nothing', nft: [], legacy: [], variant: 'iptables-nft' },
  { has: 'rules of iptables-legacy', nft: [], legacy: [rules(1)], variant: 'iptables-legacy' },
  { has: 'more rules of iptables-nft', nft: [rules(3)], legacy: [rules(2)], variant: 'iptables-nft' },
  { has: 'as many of both', nft: [rules(2)], legacy: [rules(2)], variant: 'iptables-nft' },
  { has: "a kubelet's hint", nft: [rules(3)], legacy: [HINT], variant: 'iptables-legacy' },
  { has: "an older kubelet's hint", nft: [CANARY], legacy: [rules(3)], variant: 'iptables-nft' },
  { has: 'our own rules', nft: [rules(3), HINT], legacy: [OURS], variant: 'iptables-legacy' },
] as const;

for (const { has, variant, ...texts } of CASES)
  test(`a machine with ${has} lives with ${variant}`, async (t) => {
    const why = (await missing('iptables-nft')) ?? (await missing('iptables-legacy'));
    if (why !== undefined) return t.skip(why);
    await withNetns(1, async (netns) => {
      for (const text of texts.nft) iptables(netns, 'iptables-nft-restore', text, '--noflush');
      for (const text of texts.legacy) iptables(netns, 'iptables-legacy-restore', text, '--noflush');
      const { commands } = await detectIptables(netns);
      assert.equal(commands.name, variant);
    });
  });
