import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp } from '@podwire/base';
import type { SetElement, Table } from '@podwire/nft';
import fc from 'fast-check';
import type { ServiceModel } from '../model.ts';
import type { Changes } from '../proxy.ts';
import { applyPass, arbitraryPass, arbitraryPeers, emptyView, modelOfView } from '../service-edits.fixture.ts';
import type { UdpEntries } from '../stale-flow.ts';
import { FamilyRules, type TableWriter } from './family-rules.ts';
import { plan } from './plan.ts';

/** A table as its elements alone, changed as the kernel would. */
class PaperWriter implements TableWriter {
  readonly sets = new Map<string, Map<string, string>>();
  whole = 0;

  apply(table: Table): number {
    this.whole++;
    this.sets.clear();
    for (const [name, elements] of elementsOf(table)) this.sets.set(name, elements);
    return 0;
  }

  change(_: unknown, changes: Parameters<TableWriter['change']>[1]): number {
    for (const { set, add = [], remove = [] } of changes) {
      const present = this.sets.get(set);
      assert.ok(present);
      for (const { key } of remove) present.delete(JSON.stringify(key));
      for (const { key, data } of add) present.set(JSON.stringify(key), JSON.stringify(data));
    }
    return changes.length;
  }

  forgetFlows(): number {
    return 0;
  }
}

function elementsOf({ sets }: Table): Map<string, Map<string, string>> {
  const text = ({ key, data }: SetElement): [string, string] => [JSON.stringify(key), JSON.stringify(data)];
  return new Map(sets.map(({ name, elements }) => [name, new Map(elements.map(text))]));
}

test('whatever the edits, what was changed step by step is what is planned at once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(arbitraryPass, fc.option(arbitraryPeers)), { maxLength: 12 }), (passes) => {
      const view = emptyView();
      const families = (['ipv4', 'ipv6'] as const).map((family) => ({
        rules: new FamilyRules(family),
        writer: new PaperWriter(),
      }));
      for (const [pass, peers] of [[[], null] as const, ...passes]) {
        const changes = applyPass(view, pass);
        if (peers) {
          view.peers = peers;
          for (const [name, { forwarding }] of view.services) if (forwarding) changes.add(name);
        }
        for (const { rules, writer } of families) rules.sync(writer, { view, changes, look: false });
      }
      const desired = plan(modelOfView(view));
      families.forEach(({ writer, rules }, i) => {
        const table = desired.tables[i];
        assert.ok(table);
        const expected = elementsOf(table);
        assert.deepEqual(writer.sets, expected);
        const { sizes } = rules.settlement;
        for (const [name, size] of Object.entries(sizes)) assert.equal(size, expected.get(name)?.size ?? 0, name);
      });
    }),
  );
});

test('after a failed write UDP flows are judged by the rules that were in force (SVC-25)', () => {
  const writer = new (class extends PaperWriter {
    readonly judged: [UdpEntries | undefined, UdpEntries | undefined][] = [];
    failing = false;

    override apply(table: Table): number {
      if (this.failing) throw new Error('refused');
      return super.apply(table);
    }

    override change(...args: Parameters<PaperWriter['change']>): number {
      if (this.failing) throw new Error('refused');
      return super.change(...args);
    }

    override forgetFlows(before?: UdpEntries, after?: UdpEntries): number {
      this.judged.push([before, after]);
      return 0;
    }
  })();
  const view = emptyView();
  const rules = new FamilyRules('ipv4');
  const sync = (changes: Changes) => rules.sync(writer, { view, changes, look: changes === 'all' });
  view.services.set('n/a', dnsService());
  sync('all');
  view.services.delete('n/a');
  writer.failing = true;
  assert.throws(() => sync(new Set(['n/a'])), /refused/);
  assert.throws(() => sync('all'), /refused/);
  writer.failing = false;
  sync('all');
  const inForce = new Map([['10.96.0.10 udp 53', ['10.244.1.5:53']]]);
  assert.deepEqual(writer.judged, [
    [undefined, inForce],
    [inForce, new Map()],
  ]);
});

function dnsService(): ServiceModel {
  const place = { ready: true, fallback: false, local: true, maybeLocal: true };
  return {
    namespace: 'n',
    name: 'a',
    clusterAddresses: [parseIp('10.96.0.10')],
    externalAddresses: [],
    loadBalancerAddresses: [],
    affinitySeconds: 0,
    internalLocal: false,
    externalLocal: false,
    ports: [
      { name: '', protocol: 'udp', port: 53, endpoints: [{ address: parseIp('10.244.1.5'), port: 53, ...place }] },
    ],
  };
}
