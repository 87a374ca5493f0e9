import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import fc from 'fast-check';
import { isErrno, KernelError } from '../errors.ts';
import { AF, libc, SOCK } from '../libc.ts';
import { struct, u16be, u32, u64 } from '../netlink/codec.ts';
import { openBpfFds, withBpfFs } from './bpf-place.fixture.ts';
import { possibleCpus } from './element.ts';
import { type BpfMap, createMap, mapIds, openMapById, openPinnedMap } from './map.ts';

const COUNT = 10_000;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

test('ten thousand elements go in and come out by batches, in every type of table', () => {
  const entries = numbers(COUNT).map((i): [number, bigint] => [i, BigInt(i) * 3n]);
  for (const type of ['hash', 'lru_hash', 'array'] as const) {
    // an LRU table evicts before it is quite full
    using map = createMap({ type, key: u32, value: u64, maxEntries: type === 'lru_hash' ? COUNT * 4 : COUNT });
    map.updateBatch(entries);
    assert.deepEqual(
      [...map].sort(([a], [b]) => a - b),
      entries,
      type,
    );
    assert.equal(map.lookup(77), 231n);
  }
});

test('values of per-CPU maps are lists with one for each possible CPU', () => {
  const values = (i: number) => numbers(possibleCpus()).map((cpu) => i + cpu);
  const entries = numbers(COUNT).map((i): [number, number[]] => [i, values(i)]);
  for (const type of ['percpu_hash', 'percpu_array'] as const) {
    using map = createMap({ type, key: u32, value: u32, maxEntries: COUNT });
    map.updateBatch(entries);
    assert.deepEqual(
      [...map].sort(([a], [b]) => a - b),
      entries,
      type,
    );
    assert.deepEqual(map.lookup(5), values(5));
    assert.throws(() => map.update(5, [1, 2, 3, 4, 5].slice(0, possibleCpus() + 1).concat(9)), /CPUs/);
  }
});

test('a trie finds the longest prefix, and its keys are structs', () => {
  const prefix = struct('prefix', { length: u32, a: u16be, b: u16be });
  using map = createMap({ type: 'lpm_trie', key: prefix, value: u32, maxEntries: COUNT + 2 });
  map.update({ length: 8, a: 0x0a00, b: 0 }, 8);
  map.update({ length: 16, a: 0x0a60, b: 0 }, 16);
  map.updateBatch(numbers(COUNT).map((i) => [{ length: 32, a: 0xc000, b: i }, i]));
  const find = (a: number, b: number) => map.lookup({ length: 32, a, b });
  assert.deepEqual([find(0x0a60, 7), find(0x0a61, 7), find(0xc000, 9999), find(0xb000, 0)], [16, 8, 9999, undefined]);
  assert.equal([...map].length, COUNT + 2);
});

test('a queue gives in order, a stack in reverse, and each only once', () => {
  for (const [type, expected] of [
    ['queue', [1, 2, 3]],
    ['stack', [3, 2, 1]],
  ] as const) {
    using map = createMap({ type, key: 0, value: u32, maxEntries: 3 });
    const none = Buffer.alloc(0);
    for (const value of [1, 2, 3]) map.update(none, value);
    assert.throws(
      () => map.update(none, 4),
      (error) => isErrno(error, 'E2BIG') && /raise maxEntries/.test(error.message),
    );
    assert.deepEqual(
      numbers(3).map(() => map.lookupAndDelete(none)),
      expected,
    );
    assert.equal(map.lookupAndDelete(none), undefined);
  }
});

test('storage at sockets takes a descriptor as key, and the types it needs are made', () => {
  using map = createMap({ type: 'sk_storage', key: u32, value: u64, maxEntries: 0 });
  const socket = libc.socket(AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0);
  assert.equal(map.lookup(socket), undefined);
  assert.equal(map.update(socket, 5n), true);
  assert.deepEqual([map.lookup(socket), map.delete(socket), map.lookup(socket)], [5n, true, undefined]);
  libc.close(socket);
  assert.throws(
    () => map.lookup(socket),
    (error) => isErrno(error, 'EBADF'),
  );
});

test('a map in a map is given by its descriptor and read as its id', () => {
  using inner = createMap({ type: 'hash', key: u32, value: u32, maxEntries: 1 });
  using outer = createMap({ type: 'hash_of_maps', key: u32, value: u32, maxEntries: 4, innerMap: inner });
  outer.updateBatch([[7, inner.fd]]);
  assert.deepEqual([...outer], [[7, inner.info().id]]);
});

test('where the kernel has no batches, the error of one that fails has its place too', () => {
  using queue = createMap({ type: 'queue', key: 0, value: u32, maxEntries: 2 });
  const nothing = Buffer.alloc(0);
  assert.throws(
    () => queue.updateBatch([1, 2, 3].map((value) => [nothing, value] as const)),
    (error) => isErrno(error, 'E2BIG') && error.index === 2,
  );
});

test('modes, full, frozen and read-only maps', () => {
  using map = createMap({ type: 'hash', name: 'modes', key: u32, value: u32, maxEntries: 2 });
  assert.equal(map.update(1, 1, 'exist'), false);
  assert.equal(map.update(1, 1, 'noexist'), true);
  assert.equal(map.update(1, 2, 'noexist'), false);
  assert.equal(map.update(1, 3, 'exist'), true);
  assert.equal(map.lookup(1), 3);
  assert.throws(
    () =>
      map.updateBatch([
        [2, 2],
        [3, 3],
        [4, 4],
      ]),
    (error) => isErrno(error, 'E2BIG') && error.index === 1 && /element 1 of 3 in BPF map modes/.test(error.message),
  );
  assert.equal(map.deleteBatch([9, 1, 8, 2, 7]), 2);
  assert.equal(map.delete(1), false);
  map.freeze();
  for (const write of [() => map.update(1, 1), () => map.updateBatch([[1, 1]]), () => map.deleteBatch([1])])
    assert.throws(write, (error) => hasCode(error, 'KERNEL_CALL') && /frozen/.test(String(error)));
  using array = createMap({ type: 'array', key: u32, value: u32, maxEntries: 1 });
  assert.equal(array.update(0, 1, 'noexist'), false);
  assert.throws(
    () => array.delete(0),
    (error) => isErrno(error, 'EINVAL'),
  );
  assert.throws(
    () => array.deleteBatch([0]),
    (error) => isErrno(error, 'EINVAL'),
  );
});

test('large values go in parts that fit the memory', () => {
  using map = createMap({ type: 'hash', key: u32, value: 60_000, maxEntries: 300 });
  map.updateBatch(numbers(300).map((i) => [i, Buffer.alloc(60_000, i)]));
  const entries = [...map];
  assert.equal(entries.length, 300);
  assert.ok(entries.every(([key, value]) => value.equals(Buffer.alloc(60_000, key))));
});

test('buffers outlive the garbage collector while the kernel has their addresses', () => {
  using map = createMap({ type: 'hash', key: 8, value: 64, maxEntries: 512 });
  for (let round = 0; round < 40; round++) {
    const litter = numbers(2000).map(() => Buffer.alloc(4096, 0xee));
    map.updateBatch(
      numbers(512)
        .map((i) => [Buffer.alloc(8, i), Buffer.alloc(64, i)] as const)
        .slice(0, 256),
    );
    for (const [key, value] of map) assert.ok(value.equals(Buffer.alloc(64, key[0])), `${round} ${litter.length}`);
    for (let i = 0; i < 256; i++) assert.equal(map.lookup(Buffer.alloc(8, i))?.[63], i);
  }
});

test('deleting what one has got does not disturb the walk', () => {
  using map = createMap({ type: 'hash', key: u32, value: u32, maxEntries: COUNT });
  map.updateBatch(numbers(COUNT).map((i) => [i, i]));
  let seen = 0;
  for (const [key] of map) {
    seen++;
    map.delete(key);
  }
  assert.equal(seen, COUNT);
  assert.equal(map.nextKey(), undefined);
});

/** One step of the model test; keys are few so that steps meet. */
const step = fc.oneof(
  fc.record({
    do: fc.constant('update'),
    key: fc.nat(15),
    value: fc.nat(),
    mode: fc.constantFrom('any', 'noexist', 'exist'),
  }),
  fc.record({ do: fc.constantFrom('delete', 'lookup', 'take'), key: fc.nat(15) }),
  fc.record({ do: fc.constant('updateBatch'), entries: fc.array(fc.tuple(fc.nat(15), fc.nat()), { maxLength: 20 }) }),
  fc.record({ do: fc.constant('deleteBatch'), keys: fc.array(fc.nat(15), { maxLength: 20 }) }),
  fc.record({ do: fc.constantFrom('drain', 'entries', 'keys') }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const inOrder = (entries: Iterable<readonly [number, number]>) => [...entries].sort(([a], [b]) => a - b);

/** What a step answers, from a BPF map and from a Map. */
function answers(step: Step, bpf: BpfMap<number, number>, model: Map<number, number>): [unknown, unknown] {
  if ('mode' in step) {
    const allowed = step.mode === 'any' || (step.mode === 'exist') === model.has(step.key);
    if (allowed) model.set(step.key, step.value);
    return [bpf.update(step.key, step.value, step.mode as 'any'), allowed];
  }
  if ('entries' in step) {
    for (const [key, value] of step.entries) model.set(key, value);
    return [bpf.updateBatch(step.entries), undefined];
  }
  if ('keys' in step) return [bpf.deleteBatch(step.keys), step.keys.filter((key) => model.delete(key)).length];
  if ('key' in step) {
    const value = model.get(step.key);
    if (step.do === 'lookup') return [bpf.lookup(step.key), value];
    const had = model.delete(step.key);
    return step.do === 'take' ? [bpf.lookupAndDelete(step.key), value] : [bpf.delete(step.key), had];
  }
  const all = inOrder(model);
  if (step.do === 'drain') model.clear();
  return [inOrder(step.do === 'drain' ? bpf.drain() : bpf.entries()), all];
}

test('any steps have the answers that a Map gives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      using map = createMap({ type: 'hash', key: u32, value: u32, maxEntries: 16 });
      const model = new Map<number, number>();
      for (const each of steps) {
        const [actual, expected] = answers(each, map, model);
        assert.deepEqual(actual, expected, each.do);
      }
      assert.deepEqual(inOrder(map), inOrder(model));
    }),
    { numRuns: 300 },
  );
});

test('a map is found again by its pin and by its id, and only as what it is', () => {
  withBpfFs((directory) => {
    const pin = path.join(directory, 'services');
    const spec = { type: 'hash', key: u32, value: u32 } as const;
    const map = createMap({ ...spec, name: 'services', maxEntries: 7 });
    map.update(1, 2);
    map.pin(pin);
    const { id } = map.info();
    assert.ok(mapIds().includes(id));
    map.close();
    using pinned = openPinnedMap(pin, spec);
    using byId = openMapById(id, spec);
    assert.deepEqual([pinned.lookup(1), byId.lookup(1)], [2, 2]);
    assert.deepEqual(pinned.info(), {
      type: 'hash',
      id,
      keySize: 4,
      valueSize: 4,
      maxEntries: 7,
      flags: 0,
      name: 'services',
    });
    assert.throws(
      () => openPinnedMap(pin, { ...spec, value: u64 }),
      (error) => hasCode(error, 'KERNEL_ENCODE') && /BPF map services is hash with 4 to 4 bytes/.test(String(error)),
    );
    assert.throws(
      () => map.pin(pin),
      (error) => hasCode(error, 'KERNEL_CLOSED'),
    );
    assert.throws(
      () => byId.pin(pin),
      (error) => isErrno(error, 'EEXIST'),
    );
    assert.throws(
      () => openPinnedMap(`${pin}x`, spec),
      (error) => isErrno(error, 'ENOENT'),
    );
  });
});

test('what cannot be a map is refused with the rule', () => {
  const refused = (make: () => unknown, rule: RegExp) =>
    assert.throws(make, (error) => hasCode(error, 'KERNEL_ENCODE') && rule.test(String(error)));
  const spec = { type: 'hash', key: u32, value: u32, maxEntries: 1 } as const;
  refused(() => createMap({ ...spec, name: 'a name with spaces' }), /up to 15 letters/);
  refused(() => createMap({ ...spec, name: 'sixteen_letters_' }), /up to 15 letters/);
  refused(() => createMap({ ...spec, type: 'array', key: 8 }), /key of an array has 4 bytes/);
  refused(() => createMap({ ...spec, type: 'lpm_trie' }), /prefix length/);
  refused(() => createMap({ ...spec, type: 'ringbuf' }), /power of two/);
  refused(() => createMap({ ...spec, maxEntries: -1 }), /whole number/);
  refused(() => createMap({ ...spec, maxEntries: 0 }), /maxEntries is 1 or more, not 0/);
  refused(
    () => createMap({ ...spec, flags: ['none' as 'rdonly'] }),
    /"none" as a flag of a BPF map; write no_prealloc/,
  );
  refused(() => createMap({ ...spec, type: 'nothing' as 'hash' }), /"nothing" as a type/);
  using map = createMap({ ...spec, key: 6 });
  refused(() => map.update(Buffer.alloc(5), 1), /5 bytes as a key of 6 bytes/);
  refused(() => map.update(Buffer.alloc(6), 2 ** 32), /as u32/);
  refused(() => map.update('sixsix' as unknown as Buffer, 1), /"sixsix" as a key; give 6 bytes/);
  refused(
    () => map.update(Buffer.alloc(6), 1, 'exits' as 'exist'),
    /"exits" as a mode of update; write any, noexist, exist/,
  );
  using large = createMap({ ...spec, value: u64 });
  refused(() => large.update(1, 5 as unknown as bigint), /5 as 8 bytes of a BPF map/);
});

test('close gives every descriptor back, also after errors, and twice is once', () => {
  const before = openBpfFds();
  const map = createMap({ type: 'hash', key: u32, value: u32, maxEntries: 1 });
  const storage = createMap({ type: 'sk_storage', key: u32, value: u32, maxEntries: 0 });
  assert.equal(openBpfFds(), before + 2);
  assert.throws(() => openMapById(map.info().id, { type: 'array', key: u32, value: u32 }));
  for (const each of [map, storage, map]) each.close();
  assert.equal(openBpfFds(), before);
  assert.throws(
    () => map.lookup(1),
    (error) => hasCode(error, 'KERNEL_CLOSED'),
  );
});

test('keys and values that are encoded already are written at once, also where there is no batch operation', () => {
  const bytes = (...list: number[]) => Buffer.from(Uint32Array.from(list).buffer);
  const many = numbers(20_000);
  using map = createMap({ type: 'hash', key: u32, value: u32, maxEntries: 20_000 });
  map.updateBytes(bytes(...many), bytes(...many.map((i) => i * 2)));
  assert.deepEqual([map.lookup(0), map.lookup(19_999), [...map].length], [0, 39_998, 20_000]);
  map.updateBytes(Buffer.alloc(0), Buffer.alloc(0));
  using queue = createMap({ type: 'prog_array', key: u32, value: u32, maxEntries: 1 });
  assert.throws(() => queue.updateBytes(bytes(0), bytes(999)), KernelError);
  assert.throws(
    () => map.updateBytes(bytes(1), bytes(1, 2)),
    (error) => hasCode(error, 'KERNEL_ENCODE'),
  );
});
