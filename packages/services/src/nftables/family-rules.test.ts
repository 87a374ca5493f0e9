import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SetElement, Table } from '@podwire/nft';
import fc from 'fast-check';
import { applyPass, arbitraryPass, emptyView, modelOfView } from '../service-edits.fixture.ts';
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

  change(_: unknown, { elements }: Parameters<TableWriter['change']>[1]): number {
    for (const { set, add, remove } of elements) {
      const present = this.sets.get(set);
      assert.ok(present);
      for (const { key } of remove) present.delete(JSON.stringify(key));
      for (const { key, data } of add) present.set(JSON.stringify(key), JSON.stringify(data));
    }
    return elements.length;
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
    fc.property(fc.array(arbitraryPass, { maxLength: 12 }), (passes) => {
      const view = emptyView();
      const families = (['ipv4', 'ipv6'] as const).map((family) => ({
        rules: new FamilyRules(family),
        writer: new PaperWriter(),
      }));
      for (const pass of [[], ...passes]) {
        const changes = applyPass(view, pass);
        for (const { rules, writer } of families) rules.sync(writer, { view, changes, look: false });
      }
      const desired = plan(modelOfView(view));
      families.forEach(({ writer, rules }, i) => {
        const table = desired.tables[i];
        assert.ok(table);
        const expected = elementsOf(table);
        assert.deepEqual(writer.sets, expected);
        const { sizes } = rules.settlement;
        for (const [name, size] of Object.entries(sizes)) assert.equal(size, expected.get(name)?.size, name);
      });
    }),
  );
});

test('after a failed write UDP flows are judged without trust in what was settled (SVC-25)', () => {
  const writer = new (class extends PaperWriter {
    readonly judged: (UdpEntries | undefined)[] = [];
    failing = false;

    override change(...args: Parameters<PaperWriter['change']>): number {
      if (this.failing) throw new Error('refused');
      return super.change(...args);
    }

    override forgetFlows(before?: UdpEntries): number {
      this.judged.push(before);
      return 0;
    }
  })();
  const view = emptyView();
  const rules = new FamilyRules('ipv4');
  rules.sync(writer, { view, changes: 'all', look: false });
  rules.sync(writer, { view, changes: new Set(), look: false });
  writer.failing = true;
  assert.throws(() => rules.sync(writer, { view, changes: new Set(['n/a']), look: false }), /refused/);
  writer.failing = false;
  rules.sync(writer, { view, changes: 'all', look: true });
  assert.deepEqual(writer.judged, [undefined, new Map(), undefined]);
});
