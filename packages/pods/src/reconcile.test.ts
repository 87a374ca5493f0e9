import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseIp } from '@podwire/base';
import fc from 'fast-check';
import type { Attachment } from './attachment.ts';
import { formatAlias, hostLinkName, podMac } from './attachment.ts';
import { reconcile } from './reconcile.ts';
import { formatRecord, parseRecord, readRecord, writeRecord } from './record.ts';

function attachment(n: number, more: Partial<Attachment> = {}): Attachment {
  const [containerId, ifName, address] = [`c${n}`, 'eth0', parseIp(`10.244.1.${n}`)];
  return {
    ...{
      containerId,
      ifName,
      address,
      network: 'podwire',
      netnsPath: `/run/netns/c${n}`,
      mac: podMac(address),
      mtu: 1500,
    },
    ...{ wiring: 'ptp', hostLink: hostLinkName(containerId, ifName), hostPorts: [] },
    ...more,
  };
}
const linkOf = (a: Attachment, master?: string) => ({ name: a.hostLink, alias: formatAlias(a), master, mtu: a.mtu });

test('the kernel decides what exists, the record what it cannot say', () => {
  const [kept, gone, lost] = [attachment(2), attachment(3), attachment(4, { wiring: 'bridge', netnsPath: '' })];
  const foreign = { name: 'pwp00000000000', alias: formatAlias(kept), master: undefined, mtu: 1500 };
  const half = { name: 'pwp11111111111', alias: undefined, master: undefined, mtu: 1500 };
  assert.deepEqual(
    reconcile({ attachments: [kept, gone], released: [] }, [linkOf(kept), linkOf(lost, 'cni0'), foreign, half]),
    {
      attachments: [kept, lost],
      orphans: [gone],
      adopted: [lost],
      strays: ['pwp00000000000', 'pwp11111111111'],
    },
  );
  assert.deepEqual(reconcile(undefined, []).attachments, []);
});

test('the record is read as it was written', () => {
  const directory = mkdtempSync(join(tmpdir(), 'podwire-record-'));
  const path = join(directory, 'state/pods.json');
  const hostPorts = [{ hostIp: undefined, protocol: 'tcp' as const, hostPort: 80, containerPort: 8080 }];
  const record = { attachments: [attachment(2, { hostPorts })], released: [parseIp('10.244.1.9')] };
  assert.equal(readRecord(path), undefined);
  writeRecord(path, record);
  assert.equal(formatRecord(readRecord(path) ?? record), readFileSync(path, 'utf8'));
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, -5));
  assert.equal(readRecord(path), undefined);
  assert.throws(() => writeRecord(join(path, 'pods.json'), record), { code: 'PODS_IO' });
  rmSync(directory, { recursive: true });
});

test('no text makes the record throw', () => {
  const shape = fc.record({
    format: fc.constantFrom(1, 2),
    attachments: fc.array(fc.object()),
    released: fc.array(fc.string()),
  });
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    shape.map((s) => JSON.stringify(s)),
  );
  fc.assert(fc.property(text, (t) => void parseRecord(t)));
});
