import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Family, parseIp } from '@podwire/base';
import fc from 'fast-check';
import type { ServiceModel } from '../model.ts';
import { applyPass, arbitraryPass, emptyView, modelOfView } from '../service-edits.fixture.ts';
import type { UdpEntries } from '../stale-flow.ts';
import { type ChainChange, type Chains, rulesOf } from './chain-change.ts';
import { FakeIptables } from './fake-iptables.fixture.ts';
import { type ChainWriter, FamilyProxy, type Pass } from './family-proxy.ts';
import { plan } from './plan.ts';
import { restoreText } from './restore-text.ts';
import { parseSaved, type Saved } from './saved.ts';

/** Chains on paper; a write may fail before its last text is in force. */
class PaperWriter implements ChainWriter {
  readonly paper = new FakeIptables();
  /** The UDP entries for which flows have been looked at. */
  readonly udp = new Map<string, readonly string[]>();
  failing = false;
  reads = 0;

  async read(): Promise<Saved> {
    this.reads++;
    return this.saved();
  }

  saved(): Saved {
    return parseSaved(this.paper.save());
  }

  async write(_: Family, changes: readonly ChainChange[]): Promise<number> {
    const { texts, commands } = restoreText(changes, 2);
    for (const text of this.failing ? texts.slice(0, -1) : texts) this.paper.restore(text);
    if (this.failing) throw new Error('refused');
    return commands;
  }

  forgetFlows(before: UdpEntries | undefined, after: UdpEntries): number {
    for (const id of before?.keys() ?? this.udp.keys()) this.udp.delete(id);
    for (const [id, endpoints] of after) this.udp.set(id, endpoints);
    return 0;
  }
}

/** Services that stay as they are, before, between and after those that change: chains become too long to be written anew. */
function standingServices(): ServiceModel[] {
  return Array.from({ length: 24 }, (_, i) => {
    const endpoint = { address: parseIp(i % 2 ? '10.244.1.9' : 'fd00:1::9'), port: 80, ready: true };
    const port = { name: '', protocol: 'tcp' as const, port: 80, nodePort: 31_000 + i };
    return {
      namespace: 'n',
      name: `${'abcd'[i % 4]}-${i}`,
      clusterAddresses: [parseIp(`10.96.1.${i}`), parseIp(`fd00:2::1:${i}`)],
      externalAddresses: [parseIp(`198.51.100.${i}`), parseIp(`2001:db8::${i}`)],
      loadBalancerAddresses: [],
      affinitySeconds: 0,
      internalLocal: false,
      externalLocal: false,
      ports: [{ ...port, endpoints: [{ ...endpoint, fallback: false, local: false, maybeLocal: false }] }],
    };
  });
}

const sorted = (chains: Chains) => [...chains].sort(([a], [b]) => (a < b ? -1 : 1));
const passes = fc.array(fc.record({ edits: arbitraryPass, failing: fc.boolean(), look: fc.boolean() }), {
  maxLength: 8,
});

for (const family of ['ipv4', 'ipv6'] as const)
  test(`whatever the edits and failures, ${family} chains written step by step are those planned at once`, () =>
    fc.assert(
      fc.asyncProperty(passes, async (all) => {
        const view = emptyView();
        for (const one of standingServices()) view.services.set(`n/${one.name}`, one);
        const [proxy, writer] = [new FamilyProxy(family), new PaperWriter()];
        let unsure = true;
        for (const { edits, failing, look } of all) {
          const changes = applyPass(view, edits);
          writer.failing = failing;
          const pass: Pass = { view, changes: unsure ? 'all' : changes, look };
          unsure = failing;
          if (failing) await assert.rejects(proxy.sync(writer, pass), /refused/);
          else await proxy.sync(writer, pass);
          if (unsure) continue;
          const desired = plan(modelOfView(view), family);
          assert.deepEqual(sorted(writer.saved().chains), sorted(desired.chains));
          assert.deepEqual(proxy.planned?.chains(), desired.chains);
          assert.deepEqual(
            proxy.planned?.entries().map(({ entry }) => entry),
            desired.entries,
          );
          assert.equal(proxy.planned?.sizes.rules, [...desired.chains.values()].flatMap(rulesOf).length);
          const udp = desired.entries.filter(({ protocol }) => protocol === 'udp').map(({ id }) => id);
          assert.deepEqual([...writer.udp.keys()].sort(), udp.sort());
        }
      }),
      { numRuns: 40 },
    ));
