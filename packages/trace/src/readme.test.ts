import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { readCluster } from './cluster.fixture.ts';
import { explain, formatExplanation } from './index.ts';

test('the explanation the README shows is that of its command', () => {
  const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, shown = ''] =
    /\$ podwire explain .*shop\.yaml --from stranger --to stock\.shop:81 .*\n([\s\S]*?)\n```/.exec(readme) ?? [];
  const request = { from: 'stranger', to: 'stock.shop:81', protocol: 'tcp', endpoint: 'shop/stock-1' } as const;
  assert.equal(shown, formatExplanation(explain(readCluster('shop.yaml'), request)));
});
