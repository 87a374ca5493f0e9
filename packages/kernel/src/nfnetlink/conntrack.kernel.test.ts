import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { EncodeError, isErrno } from '../errors.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { withNetns } from '../testing.ts';
import {
  createConnection,
  createConnections,
  deleteConnection,
  deleteConnections,
  flushConnections,
  getConnection,
  listConnections,
  updateConnection,
} from './conntrack.ts';
import type { ConnectionSpec } from './conntrack-entry.ts';
import { countConnections } from './conntrack-statistics.ts';
import { withConntrackWorld } from './conntrack-world.fixture.ts';
import { manyConnections } from './many-connections.fixture.ts';

const ip = (address: string) => address as IpAddress;
const skip = lacking('conntrack', 'conntrack-events');

test('connections are made, changed and forgotten, and conntrack sees it', { skip }, () =>
  withConntrackWorld(async ({ netlink, run }) => {
    const ends = { source: ip('10.1.0.1'), destination: ip('10.1.0.2') };
    const spec: ConnectionSpec = {
      ...{ protocol: 'tcp', original: { ...ends, sourcePort: 1000, destinationPort: 80 }, timeout: 100, mark: 5 },
      ...{ status: ['assured', 'seen-reply'], tcp: { state: 'established' }, zone: 9 },
      destinationNat: { address: ip('10.1.0.3'), port: 8080 },
    };
    createConnection(netlink, spec);
    assert.throws(
      () => createConnection(netlink, spec),
      (error) => isErrno(error, 'EEXIST'),
    );
    const tool = () => run('conntrack -L -o extended');
    const line = 'src=10.1.0.1 dst=10.1.0.2 sport=1000 dport=80 .*src=10.1.0.3 dst=10.1.0.1 sport=8080 dport=1000';
    assert.match(tool(), new RegExp(`tcp +6 \\d+ ESTABLISHED ${line} .*\\[ASSURED\\] mark=5 zone=9`));
    updateConnection(netlink, spec, { mark: 0xf0, markMask: 0xf0, timeout: 5000, tcp: { state: 'close-wait' } });
    assert.match(tool(), /tcp +6 (4999|5000) CLOSE_WAIT .* mark=245 /);
    updateConnection(netlink, spec, { labels: [3, 127], labelsMask: [3, 127] });
    const [changed] = listConnections(netlink);
    assert.deepEqual(changed?.labels, [3, 127]);
    assert.ok(changed);
    updateConnection(netlink, spec, { status: [...changed.status, 'fixed-timeout'] });
    assert.ok(getConnection(netlink, spec)?.status.includes('fixed-timeout'));
    assert.throws(
      () => updateConnection(netlink, spec, { status: [] }),
      (error) => isErrno(error, 'EBUSY'),
    );
    assert.equal(deleteConnection(netlink, { ...changed, id: ((changed.id ?? 0) ^ 1) >>> 0 }), false);
    assert.equal(deleteConnection(netlink, { ...changed, zone: 8 }), false);
    assert.equal(deleteConnection(netlink, changed), true);
    assert.deepEqual(
      [deleteConnection(netlink, changed), getConnection(netlink, changed), tool()],
      [false, undefined, ''],
    );
    assert.throws(
      () => updateConnection(netlink, spec, { mark: 1 }),
      (error) => isErrno(error, 'ENOENT'),
    );
  }),
);

test('a flush takes what fits', { skip }, () =>
  withConntrackWorld(async ({ netlink }) => {
    const make = (address: string, mark: number) =>
      createConnection(netlink, {
        ...{ protocol: 'udp', timeout: 100, mark },
        original: { source: ip(address), destination: ip(address), sourcePort: mark, destinationPort: 9 },
      });
    for (const address of ['10.1.0.1', 'fd01::1']) for (const mark of [1, 2, 3]) make(address, mark);
    const left = () =>
      listConnections(netlink)
        .map(({ family, mark }) => `${family} ${mark}`)
        .sort();
    flushConnections(netlink, { family: 'ipv6', mark: 2 });
    assert.deepEqual(left(), ['ipv4 1', 'ipv4 2', 'ipv4 3', 'ipv6 1', 'ipv6 3']);
    flushConnections(netlink, { mark: 1, markMask: 1 });
    assert.deepEqual(left(), ['ipv4 2']);
    flushConnections(netlink, { family: 'ipv6' });
    assert.deepEqual(left(), ['ipv4 2']);
    flushConnections(netlink);
    assert.deepEqual(left(), []);
  }),
);

test('what does not fit is refused by the name of its field before it is sent', { skip }, () =>
  withNetns(1, (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const original = { source: ip('10.0.0.1'), destination: ip('10.0.0.2'), sourcePort: 1, destinationPort: 2 };
    const spec: ConnectionSpec = { protocol: 'udp', original, timeout: 1 };
    const refuses = (wrong: object, field: string) =>
      assert.throws(
        () => createConnection(netlink, { ...spec, ...wrong }),
        (error) => error instanceof EncodeError && error.code === 'KERNEL_ENCODE' && error.path.endsWith(field),
        field,
      );
    refuses({ original: { ...original, sourcePort: 65_536 } }, 'sourcePort');
    refuses({ original: { ...original, source: 'here' } }, 'source');
    refuses({ original: { ...original, source: 'fd00::1' } }, 'source');
    refuses({ protocol: 'constructor' }, 'protocol');
    refuses({ status: ['asured'] }, 'status');
    refuses({ timeout: -1 }, 'timeout');
    refuses({ mark: 2 ** 32 }, 'mark');
    refuses({ zone: 1.5 }, 'zone');
    refuses({ labels: [128] }, 'labels');
    refuses({ tcp: { state: 'open' } }, 'protocolInfo.tcp.state');
    refuses({ sourceNat: { address: '10.0.0.256' } }, 'sourceNat.first');
    assert.throws(() => updateConnection(netlink, spec, { markMask: 1 }), /without a mark in markMask/);
    assert.throws(() => flushConnections(netlink, { markMask: 1 }), /without a mark in markMask/);
    assert.equal(countConnections(netlink).entries, 0);
  }),
);

test('20,000 connections are made, listed and forgotten in batches', { skip }, (t) =>
  withNetns(1, (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const specs = manyConnections(20_000);
    const timed = <T>(what: string, fn: () => T): T => {
      const started = performance.now();
      const result = fn();
      t.diagnostic(`${what}: ${(performance.now() - started).toFixed(0)} ms`);
      return result;
    };
    assert.ok(timed('made', () => createConnections(netlink, specs)).every((error) => error === undefined));
    const list = timed('listed', () => listConnections(netlink));
    assert.equal(list.length, 20_000);
    assert.equal(
      timed('forgotten', () => deleteConnections(netlink, list)),
      20_000,
    );
    assert.deepEqual([countConnections(netlink).entries, deleteConnections(netlink, list)], [0, 0]);
  }),
);
