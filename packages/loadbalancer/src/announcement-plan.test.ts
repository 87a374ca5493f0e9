import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '@podwire/base';
import fc from 'fast-check';
import { ownerOf, planAnnouncement } from './announcement-plan.ts';
import { arpFrame } from './gratuitous-arp.ts';

const address = (n: number) => ({ address: `172.30.0.${n}` as IpAddress, service: `default/s${n}` });
const nodes = ['node-1', 'node-2', 'node-3'];

test('one node owns an address, whichever node computes it', () => {
  const addresses = Array.from({ length: 60 }, (_, i) => address(i));
  const owned = nodes.flatMap((nodeName) => planAnnouncement({ nodeName, nodes, addresses }).own);
  assert.deepEqual(owned.sort(), addresses.map((one) => one.address).sort());
});

test('addresses spread over the nodes', () => {
  const owners = Map.groupBy(
    Array.from({ length: 250 }, (_, i) => ownerOf(address(i), nodes)),
    (owner) => owner,
  );
  for (const node of nodes) assert.ok((owners.get(node)?.length ?? 0) > 50, `${node}: ${owners.get(node)?.length}`);
});

test('when a node goes, only its addresses move (LB-6)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...nodes), (n, gone) => {
      const [before, after] = [
        ownerOf(address(n), nodes),
        ownerOf(
          address(n),
          nodes.filter((node) => node !== gone),
        ),
      ];
      if (before !== gone) assert.equal(after, before);
      else assert.notEqual(after, gone);
    }),
  );
});

test('with Local policy only nodes with an endpoint own the address; without any, nobody', () => {
  assert.equal(ownerOf({ ...address(1), onlyNodes: ['node-2', 'node-9'] }, nodes), 'node-2');
  assert.equal(ownerOf({ ...address(1), onlyNodes: [] }, nodes), undefined);
  const { entries } = planAnnouncement({ nodeName: 'node-1', nodes, addresses: [{ ...address(1), onlyNodes: [] }] });
  assert.deepEqual(entries, [
    { what: '172.30.0.1 is announced by nobody', why: 'Service default/s1: no ready node is eligible' },
  ]);
});

test('a gratuitous ARP request, byte by byte', () => {
  assert.equal(
    arpFrame(1, '02:00:00:00:00:01', '172.30.0.200' as IpAddress).toString('hex'),
    'ffffffffffff0200000000010806' + '0001080006040001' + '020000000001ac1e00c8' + '000000000000ac1e00c8',
  );
});
