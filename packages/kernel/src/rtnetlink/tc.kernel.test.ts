import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { isErrno } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { libc } from '../libc.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import type { Netns } from '../netns/netns.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { withNetns } from '../testing.ts';
import { createClass, decodeClass, deleteClass, listClasses, replaceClass } from './tc-class.ts';
import { createFilter, decodeFilter, deleteFilter, listFilters } from './tc-filter.ts';
import { createQdisc, decodeQdisc, deleteQdisc, listQdiscs, replaceQdisc } from './tc-qdisc.ts';
import { dumpTc } from './tc-table.ts';

interface Bench {
  readonly netlink: Netlink<'route'>;
  readonly link: number;
  /** tc's own listing, or its doing. */
  tc(...args: string[]): Record<string, unknown>[];
  /** tc 6.1 prints classes as text only. */
  classes(): string;
}

async function withLink(fn: (bench: Bench) => void): Promise<void> {
  await withNetns(1, (netns: Netns) => {
    const name = netns.name ?? '';
    execFileSync('ip', ['-n', name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']);
    const netlink = openNetlink('route', netns);
    const tc = (...args: string[]) => {
      const out = execFileSync('tc', ['-n', name, '-j', '-d', ...args]).toString();
      return out.trim() === '' ? [] : JSON.parse(out);
    };
    const classes = () => execFileSync('tc', ['-n', name, 'class', 'show', 'dev', 'v0']).toString();
    try {
      fn({ netlink, link: netns.run(() => libc.if_nametoindex('v0')), tc, classes });
    } finally {
      netlink.close();
    }
  });
}

test('tbf as tc reads it, and as tc writes it', { skip: lacking('qdisc-tbf') }, async () => {
  await withLink(({ netlink, link, tc }) => {
    createQdisc(netlink, { link, handle: '1:', kind: 'tbf', options: { rate: 8e6, burst: 20_000, latency: 50_000 } });
    const [shown] = tc('qdisc', 'show', 'dev', 'v0');
    assert.partialDeepStrictEqual(shown, {
      kind: 'tbf',
      handle: '1:',
      root: true,
      options: { rate: 1e6, burst: '20000b/1', lat: 50_000 },
    });
    const [mine] = listQdiscs(netlink, link);
    assert.partialDeepStrictEqual(mine, {
      link,
      parent: 'root',
      handle: '1:',
      kind: 'tbf',
      options: { rate: 8e6, burst: 20_000, limit: 70_000 },
    });
    tc('qdisc', 'replace', 'dev', 'v0', 'root', 'handle', '2:', ...'tbf rate 50gbit burst 1mb limit 3mb'.split(' '));
    const [theirs] = listQdiscs(netlink, link);
    assert.partialDeepStrictEqual(theirs, { handle: '2:', options: { rate: 50e9, limit: 3 << 20 } });
    const peak = { rate: 16e6, burst: 1600 };
    replaceQdisc(netlink, { link, handle: '3:', kind: 'tbf', options: { rate: 8e6, burst: 9000, limit: 9000, peak } });
    assert.partialDeepStrictEqual(listQdiscs(netlink, link)[0], { options: { rate: 8e6, burst: 9000, peak } });
    assert.partialDeepStrictEqual(tc('qdisc', 'show', 'dev', 'v0')[0], { options: { mtu: '1600b/1', lat: 3700 } });
    assert.equal(deleteQdisc(netlink, { link }), true);
    assert.deepEqual(listQdiscs(netlink, link), []);
  });
});

test('a tree of htb classes as tc reads and writes it', { skip: lacking('qdisc-htb') }, async () => {
  await withLink(({ netlink, link, tc, classes }) => {
    createQdisc(netlink, { link, handle: '1:', kind: 'htb', options: { defaultClass: 0x20 } });
    createClass(netlink, { link, parent: '1:', handle: '1:1', kind: 'htb', options: { rate: 100e6, burst: 15_000 } });
    const leaf = { rate: 40e9, ceil: 60e9, burst: 60_000, ceilBurst: 90_000, priority: 3, quantum: 3000 };
    createClass(netlink, { link, parent: '1:1', handle: '1:20', kind: 'htb', options: leaf });
    createQdisc(netlink, { link, parent: '1:20', handle: '20:', kind: 'bfifo', options: { limit: 5000 } });
    assert.match(
      classes(),
      /class htb 1:20 parent 1:1 leaf 20: prio 3 rate 40Gbit ceil 60Gbit burst 60000b cburst 90000b/,
    );
    tc('class', 'add', 'dev', 'v0', 'parent', '1:1', 'classid', '1:30', 'htb', 'rate', '8mbit', 'ceil', '16mbit');
    const byHandle = new Map(listClasses(netlink, link).map((one) => [one.handle, one]));
    assert.partialDeepStrictEqual(byHandle.get('1:20'), {
      parent: '1:1',
      leaf: '20:',
      options: { ...leaf, burst: 60_160, ceilBurst: 90_240 },
    });
    assert.partialDeepStrictEqual(byHandle.get('1:30'), {
      options: { rate: 8e6, ceil: 16e6, burst: 1600, ceilBurst: 1600, priority: 0, quantum: 100_000 },
    });
    replaceClass(netlink, { link, parent: '1:1', handle: '1:30', kind: 'htb', options: { rate: 9e6 } });
    assert.match(classes(), /1:30 parent 1:1 prio 0 rate 9Mbit ceil 9Mbit/);
    assert.equal(deleteClass(netlink, { link, handle: '1:30' }), true);
    assert.equal(listClasses(netlink, link).length, 2);
    assert.partialDeepStrictEqual(
      listQdiscs(netlink, link).map(({ kind, parent, handle }) => ({ kind, parent, handle })),
      [
        { kind: 'htb', parent: 'root', handle: '1:' },
        { kind: 'bfifo', parent: '1:20', handle: '20:' },
      ],
    );
    assert.throws(
      () => deleteClass(netlink, { link, handle: '1:1' }),
      (error) => isErrno(error, 'EBUSY', 'EINVAL'),
    );
  });
});

test('clsact with a BPF filter', { skip: lacking('tc-bpf') }, async () => {
  await withLink(({ netlink, link, tc }) => {
    createQdisc(netlink, { link, kind: 'clsact' });
    const classic = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
    const place = { link, parent: 'egress', etherType: 'ip', priority: 7 } as const;
    createFilter(netlink, { ...place, handle: 1, kind: 'bpf', name: 'nothing', classic, classId: '1:1' });
    const [filter] = listFilters(netlink, place);
    assert.partialDeepStrictEqual(filter, { ...place, handle: 1, chain: 0, kind: 'bpf', classId: '1:1', classic });
    assert.partialDeepStrictEqual(
      tc('filter', 'show', 'dev', 'v0', 'egress').find((row) => 'options' in row),
      { protocol: 'ip', pref: 7, kind: 'bpf', options: { handle: '0x1', flowid: '1:1', bytecode: { length: 1 } } },
    );
    assert.deepEqual(listFilters(netlink, { link, parent: 'ingress' }), []);
    deleteFilter(netlink, { link, parent: 'egress', priority: 7 });
    assert.deepEqual(listFilters(netlink, place), []);
    for (const priority of [7, 8]) createFilter(netlink, { ...place, priority, kind: 'bpf', name: 'nothing', classic });
    deleteFilter(netlink, { link, parent: 'egress' });
    assert.deepEqual(listFilters(netlink, place), []);
    deleteQdisc(netlink, { link, parent: 'clsact' });
    assert.deepEqual(listQdiscs(netlink, link), []);
  });
});

test('deleting what is not there is false', { skip: lacking('qdisc-htb', 'tc-bpf') }, async () => {
  await withLink(({ netlink, link }) => {
    const egress = { link, parent: 'egress' } as const;
    const absent = [
      () => deleteQdisc(netlink, { link }),
      () => deleteQdisc(netlink, { link, parent: 'clsact' }),
      () => deleteQdisc(netlink, { link, parent: '1:10' }),
      () => deleteQdisc(netlink, { link, handle: '2:' }),
      () => deleteClass(netlink, { link, handle: '1:10' }),
      () => deleteFilter(netlink, { ...egress, priority: 7 }),
      () => deleteFilter(netlink, { link, parent: '1:', priority: 7 }),
    ];
    for (const remove of absent) assert.equal(remove(), false);
    createQdisc(netlink, { link, handle: '1:', kind: 'htb' });
    for (const remove of absent.slice(1)) assert.equal(remove(), false);
    assert.equal(listQdiscs(netlink, link).length, 1);
    createQdisc(netlink, { link, kind: 'clsact' });
    const classic = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
    createFilter(netlink, { ...egress, priority: 5, handle: 1, kind: 'bpf', name: 'nothing', classic });
    assert.equal(deleteFilter(netlink, { ...egress, priority: 7 }), false);
    assert.equal(deleteFilter(netlink, { ...egress, priority: 5, handle: 2, kind: 'bpf' }), false);
    assert.equal(deleteFilter(netlink, { ...egress, priority: 5 }), true);
    assert.equal(deleteQdisc(netlink, { link, parent: 'clsact' }), true);
    assert.equal(deleteQdisc(netlink, { link }), true);
    assert.throws(
      () => deleteQdisc(netlink, { link: 4711 }),
      (error) => isErrno(error, 'ENODEV') && error.op === 'delete qdisc at root of link 4711',
    );
  });
});

test('what the kernel refuses and what cannot be said', async () => {
  await withLink(({ netlink, link }) => {
    assert.throws(
      () => createQdisc(netlink, { link, kind: 'other', name: 'nosuch' }),
      (error) => isErrno(error, 'ENOENT') && error.op.includes('nosuch'),
    );
    const wrong = [
      () => createQdisc(netlink, { link, handle: 'x', kind: 'pfifo' }),
      () => createQdisc(netlink, { link, kind: 'tbf', options: { rate: 0, burst: 1, limit: 1 } }),
      () => createQdisc(netlink, { link, kind: 'tbf', options: { rate: 1e6, burst: 1 } }),
      () => createQdisc(netlink, { link, kind: 'netem', options: { loss: { probability: 2 } } }),
      () => createFilter(netlink, { link, parent: '1:', kind: 'bpf', name: 'x' }),
    ];
    const fields = [/handle/, /rate/, /limit/, /loss/, /fd/];
    wrong.forEach((call, i) => {
      assert.throws(call, { code: 'KERNEL_ENCODE', message: fields[i] as RegExp });
    });
  });
});

test('damaged messages throw nothing but DecodeError', {
  skip: lacking('qdisc-htb', 'qdisc-tbf', 'tc-bpf'),
}, async () => {
  await withLink(({ netlink, link }) => {
    createQdisc(netlink, { link, handle: '1:', kind: 'htb' });
    createClass(netlink, { link, parent: '1:', handle: '1:1', kind: 'htb', options: { rate: 1e6 } });
    createQdisc(netlink, { link, parent: '1:1', kind: 'tbf', options: { rate: 1e6, burst: 10_000, limit: 10_000 } });
    createQdisc(netlink, { link, kind: 'clsact' });
    const classic = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
    createFilter(netlink, { link, parent: 'egress', kind: 'bpf', name: 'nothing', classic });
    const samples = (noun: 'qdisc' | 'class' | 'filter', parent = 0) =>
      dumpTc(netlink, noun, { link, parent }).map(({ body }) => body);
    fuzzDecoder(decodeQdisc, { samples: samples('qdisc') });
    fuzzDecoder(decodeClass, { samples: samples('class') });
    fuzzDecoder(decodeFilter, { samples: samples('filter', 0xfffffff3) });
  });
});
