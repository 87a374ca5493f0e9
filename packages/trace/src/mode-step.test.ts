import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCluster } from './cluster.fixture.ts';
import { explain, formatExplanation } from './index.ts';

const told = (proxyMode: string, from: string, to: string): string =>
  formatExplanation(explain(readCluster('shop.yaml', { proxyMode }), { from, to, protocol: 'tcp' }));

test('nothing is claimed of nftables in modes whose Services do not go through it', () => {
  for (const mode of ['iptables', 'ipvs', 'userspace', 'ebpf']) {
    for (const to of ['stock:80', 'stock:81']) {
      const text = told(mode, 'shop/front-1', to);
      assert.ok(text.startsWith(`shop/front-1 -> ${to} tcp ${to.slice(6)} (proxy mode ${mode})\n`), text);
      assert.doesNotMatch(text, /podwire-services|mark|numgen/);
    }
    const delivered = told(mode, 'shop/front-1', 'stock:80');
    assert.match(delivered, new RegExp(`services \\(${mode}\\) lead to 10\\.244\\.`));
    assert.match(delivered, /Service shop\/stock port \S+ by cluster IP leads to one of \d/);
  }
});

test('what is particular about a mode is said where it matters', () => {
  assert.match(told('ebpf', 'shop/front-1', 'stock:80'), /the socket gets the endpoint when it connects/);
  assert.match(told('userspace', 'shop/front-1', 'stock:80'), /sees the node as its client/);
  assert.match(told('ipvs', 'shop/front-1', 'stock:80'), /a virtual server of IPVS/);
  for (const mode of ['nftables', 'iptables'])
    assert.doesNotMatch(told(mode, 'shop/front-1', 'stock:80'), new RegExp(`proxy mode ${mode}: `));
});
