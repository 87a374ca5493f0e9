import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import fc from 'fast-check';
import { isErrno, KernelError } from '../errors.ts';
import { u32, u64 } from '../netlink/codec.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { assemble } from './assembler.ts';
import { openBpfFds, withBpfFs } from './bpf-place.fixture.ts';
import { CONTEXTS } from './context.ts';
import { disassemble } from './disassembler.ts';
import { possibleCpus } from './element.ts';
import type { Instruction } from './instruction.ts';
import { createMap } from './map.ts';
import * as a from './mnemonic.ts';
import { loadProgram, openPinnedProgram, openProgramById, programIds, verifierLog } from './program.ts';

const { r0, r1, r2, r3, r4, r5, r6, r7, r10 } = a;
const packet = CONTEXTS.__sk_buff;
const returns = (value: number): Instruction[] => [a.mov(r0, value), a.exit()];

/** What a filter lets through: UDP or TCP over IPv4 to a port in the map, fragments and short packets not. */
const ETHERNET = 14;
const filterOf = (ports: string): Instruction[] => [
  a.mov(r6, r1),
  a.loadField(r2, r6, packet, 'data'),
  a.loadField(r3, r6, packet, 'data_end'),
  a.mov(r4, r2),
  a.add(r4, ETHERNET + 60 + 4),
  a.jumpIf(r4, '>', r3, 'drop'),
  a.load(r4, r2, 12, 'u16'),
  a.toBigEndian(r4, 16),
  a.jumpIf(r4, '!=', 0x0800, 'drop'),
  a.load(r4, r2, ETHERNET + 6, 'u16'),
  a.toBigEndian(r4, 16),
  a.and(r4, 0x1fff),
  a.jumpIf(r4, '!=', 0, 'drop'),
  a.load(r4, r2, ETHERNET + 9, 'u8'),
  a.jumpIf(r4, '==', 6, 'transport'),
  a.jumpIf(r4, '!=', 17, 'drop'),
  a.label('transport'),
  a.load(r5, r2, ETHERNET, 'u8'),
  a.and(r5, 15),
  a.lsh(r5, 2),
  a.jumpIf(r5, '<', 20, 'drop'),
  a.add(r2, r5),
  a.mov(r5, r2),
  a.add(r5, ETHERNET + 4),
  a.jumpIf(r5, '>', r3, 'drop'),
  a.load(r5, r2, ETHERNET + 2, 'u16'),
  a.toBigEndian(r5, 16),
  a.store(r10, -4, r5, 'u32'),
  a.loadMap(r1, ports),
  a.mov(r2, r10),
  a.add(r2, -4),
  a.call('map_lookup_elem'),
  a.jumpIf(r0, '==', 0, 'drop'),
  a.mov(r1, 1),
  a.atomic('add', { base: r0, offset: 0 }, r1),
  ...returns(1),
  a.label('drop'),
  ...returns(0),
];

/** The same in TypeScript. */
function passes(frame: Buffer, ports: ReadonlySet<number>): boolean {
  if (frame.length < ETHERNET + 64 || frame.readUInt16BE(12) !== 0x0800) return false;
  if ((frame.readUInt16BE(ETHERNET + 6) & 0x1fff) !== 0) return false;
  if (![6, 17].includes(frame.readUInt8(ETHERNET + 9))) return false;
  const header = (frame.readUInt8(ETHERNET) & 15) * 4;
  return header >= 20 && ports.has(frame.readUInt16BE(ETHERNET + header + 2));
}

const frames = fc
  .record({
    type: fc.constantFrom(0x0800, 0x0800, 0x0800, 0x86dd),
    fragment: fc.constantFrom(0, 0, 0x4000, 0x2001, 0x00ff),
    protocol: fc.constantFrom(6, 17, 1, 132),
    words: fc.integer({ min: 3, max: 15 }),
    port: fc.integer({ min: 75, max: 85 }),
    length: fc.constantFrom(60, 77, 78, 100, 1500),
  })
  .map(({ type, fragment, protocol, words, port, length }) => {
    const frame = Buffer.alloc(1514);
    frame.writeUInt16BE(type, 12);
    frame.writeUInt8(0x40 | words, ETHERNET);
    frame.writeUInt16BE(fragment, ETHERNET + 6);
    frame.writeUInt8(protocol, ETHERNET + 9);
    frame.writeUInt16BE(port, ETHERNET + words * 4 + 2);
    return frame.subarray(0, length);
  });

test('a packet filter decides on generated packets as the same filter in TypeScript', () => {
  using ports = createMap({ type: 'hash', key: u32, value: u64, maxEntries: 16 });
  ports.updateBatch([
    [80, 0n],
    [77, 0n],
  ]);
  using filter = loadProgram({ type: 'sched_cls', name: 'filter', instructions: filterOf('ports'), maps: { ports } });
  let passed = 0n;
  fc.assert(
    fc.property(frames, (frame) => {
      const expected = passes(frame, new Set([80, 77]));
      if (expected) passed++;
      assert.equal(filter.testRun({ data: frame }).returnValue, expected ? 1 : 0);
    }),
    { numRuns: 2000 },
  );
  assert.equal((ports.lookup(80) ?? 0n) + (ports.lookup(77) ?? 0n), passed);
  assert.ok(passed > 0n);
});

/** Runs each list of instructions and compares what is in r0 then. */
function assertResults(cases: readonly (readonly [Instruction[], number])[]): void {
  const data = Buffer.alloc(64);
  data.writeUInt16BE(0x0806, 12);
  for (const [instructions, expected] of cases) {
    using program = loadProgram({ type: 'sched_cls', instructions: [...instructions, a.exit()] });
    assert.equal(program.testRun({ data }).returnValue, expected, disassemble(program.translated(), { maps: 'id' }));
  }
}

test('arithmetic is what the registers of the kernel do', () => {
  assertResults([
    [[a.loadConstant(r0, -2n), a.rsh(r0, 33)], 0x7fffffff],
    [[a.mov(r0, -2), a.alu(r0, 's>>=', 1)], 0xffffffff],
    [[a.mov32(r0, 0xfffffff0), a.alu32(r0, '+=', 0x20)], 0x10],
    [[a.mov(r0, 100), a.mov(r1, 0), a.div(r0, r1)], 0],
    [[a.mov(r0, 100), a.mov(r1, 0), a.mod(r0, r1)], 100],
    [[a.mov(r0, 6), a.mul(r0, 7), a.sub(r0, 2), a.or(r0, 1), a.xor(r0, 3)], 42],
    [[a.mov(r0, 5), a.neg(r0)], 0xfffffffb],
    [[a.mov(r0, 0x1234), a.toBigEndian(r0, 16)], 0x3412],
    [[a.mov(r0, 0x12345678), a.toLittleEndian(r0, 16)], 0x5678],
    [
      [
        a.store(r10, -8, 40, 'u64'),
        a.mov(r0, 2),
        a.atomic('add', { base: r10, offset: -8, fetch: true }, r0),
        a.load(r1, r10, -8, 'u64'),
        a.add(r0, r1),
      ],
      82,
    ],
    [
      [
        a.store(r10, -4, 7, 'u32'),
        a.mov(r0, 7),
        a.mov(r1, 9),
        a.atomic('cmpxchg', { base: r10, offset: -4, size: 'u32' }, r1),
        a.load(r0, r10, -4, 'u32'),
      ],
      9,
    ],
    [[a.mov(r6, r1), a.loadPacket(12, 'u16')], 0x0806],
    [[a.mov(r0, 1), a.jumpIf32(r0, 's>', -1, 'yes'), a.mov(r0, 5), a.label('yes')], 1],
    [[a.mov(r1, 20), a.callSubprogram('twice'), a.exit(), a.label('twice'), a.mov(r0, r1), a.add(r0, r1)], 40],
  ]);
});

test('signed arithmetic is what newer kernels do', { skip: lacking('bpf-isa-v4') }, () => {
  assertResults([
    [[a.mov(r0, 0x12345678), a.byteSwap(r0, 32)], 0x78563412],
    [[a.mov(r1, 0x80), a.movSigned(r0, r1, 8)], 0xffffff80],
    [[a.mov(r0, -7), a.alu(r0, 's/=', 2)], 0xfffffffd],
    [[a.store(r10, -8, -3, 'u64'), a.load(r0, r10, -8, 's8')], 0xfffffffd],
    [[a.mov(r0, -7), a.alu(r0, 's%=', 4)], 0xfffffffd],
    [[a.mov(r0, 1), a.jumpIf(r1, '==', 0, 'two'), a.jumpLong('end'), a.label('two'), a.mov(r0, 2), a.label('end')], 1],
  ]);
});

test('a program calls another through an array of programs', () => {
  using jumps = createMap({ type: 'prog_array', key: u32, value: u32, maxEntries: 4 });
  using target = loadProgram({ type: 'sched_cls', instructions: returns(7) });
  jumps.updateBatch([[2, target.fd]]); // this type has no batch operation: one by one
  const instructions = (index: number) => [a.loadMap(r2, jumps), a.mov(r3, index), a.call('tail_call'), ...returns(1)];
  using hit = loadProgram({ type: 'sched_cls', instructions: instructions(2) });
  using miss = loadProgram({ type: 'sched_cls', instructions: instructions(3) });
  const data = Buffer.alloc(14);
  assert.deepEqual([hit.testRun({ data }).returnValue, miss.testRun({ data }).returnValue], [7, 1]);
  assert.deepEqual([...jumps], [[2, target.info().id]]);
});

test('packet and context come back changed, and a run is timed', () => {
  using program = loadProgram({
    type: 'sched_cls',
    instructions: [
      a.mov(r6, r1),
      a.mov(r7, 0x77),
      a.storeField(r6, packet, 'mark', r7),
      a.store(r10, -8, 0xab, 'u8'),
      a.mov(r2, 13),
      a.mov(r3, r10),
      a.add(r3, -8),
      a.mov(r4, 1),
      a.mov(r5, 0),
      a.call('skb_store_bytes'),
      ...returns(0),
    ],
  });
  const run = () => program.testRun({ data: Buffer.alloc(20), context: Buffer.alloc(packet.size), repeat: 100 });
  const result = run();
  assert.deepEqual(result.data, Buffer.from(`${'00'.repeat(13)}ab${'00'.repeat(6)}`, 'hex'));
  assert.equal(result.context.readUInt32LE(packet.fields.mark.offset), 0x77);
  // nanoseconds for one; a machine that stands still takes longer, but not each time
  let { duration } = result;
  for (let i = 0; i < 50 && duration >= 1_000_000; i++) duration = run().duration;
  assert.ok(duration < 1_000_000, `${duration} ns`);
});

test('values of an array are reached without a lookup, per-CPU values are apart', () => {
  using array = createMap({ type: 'array', key: u32, value: 16, maxEntries: 1 });
  using counters = createMap({ type: 'percpu_array', key: u32, value: u64, maxEntries: 1 });
  using program = loadProgram({
    type: 'sched_cls',
    instructions: [
      a.loadMapValue(r1, array, 8),
      a.store(r1, 0, 99, 'u32'),
      a.store(r10, -4, 0, 'u32'),
      a.loadMap(r1, counters),
      a.mov(r2, r10),
      a.add(r2, -4),
      a.call('map_lookup_elem'),
      a.jumpIf(r0, '==', 0, 'end'),
      a.load(r1, r0, 0, 'u64'),
      a.add(r1, 1),
      a.store(r0, 0, r1, 'u64'),
      a.label('end'),
      ...returns(0),
    ],
  });
  program.testRun({ data: Buffer.alloc(14), repeat: 1000 });
  assert.equal(array.lookup(0)?.readUInt32LE(8), 99);
  const perCpu = counters.lookup(0) ?? [];
  assert.equal(perCpu.length, possibleCpus());
  assert.equal(
    perCpu.reduce((sum, count) => sum + count, 0n),
    1000n,
  );
  assert.deepEqual(program.mapIds().sort(), [array.info().id, counters.info().id].sort());
});

test('a refusal holds the words of the verifier', () => {
  const load = (instructions: Instruction[], name = 'bad') => loadProgram({ type: 'sched_cls', name, instructions });
  const refused = (instructions: Instruction[], words: RegExp) =>
    assert.throws(
      () => load(instructions),
      (error) => {
        assert.ok(error instanceof KernelError && error.code === 'KERNEL_BPF_VERIFIER', String(error));
        assert.match(error.message, /^load BPF program bad \(sched_cls\): /);
        assert.match(error.message, words);
        assert.match(String(error.details['log']), words);
        return true;
      },
    );
  const before = openBpfFds();
  refused([a.exit()], /R0 !read_ok/);
  refused([a.mov(r0, 0)], /last insn is not an exit or jmp/);
  refused([a.load(r0, r1, 1000, 'u32'), a.exit()], /invalid bpf_context access/);
  refused([a.mov(r2, 5), a.storeField(r1, packet, 'len' as 'mark', r2), ...returns(0)], /invalid bpf_context access/);
  refused([a.mov(r0, 0), a.jumpIf(r0, '==', 0, -1), a.exit()], /infinite loop|back-edge/);
  refused([a.loadPacket(0, 'u8', r7), a.exit()], /R6|!read_ok/);
  assert.throws(
    () =>
      loadProgram({
        type: 'xdp',
        license: 'Proprietary',
        name: 'bad',
        instructions: [a.mov(r1, 0), a.call('ktime_get_ns'), a.call('trace_printk'), a.exit()],
      }),
    /GPL|gpl/,
  );
  assert.equal(openBpfFds(), before);
});

test('the listing of a program is the one in the log of the kernel', { skip: lacking('bpf-isa-v4') }, () => {
  using ports = createMap({ type: 'hash', key: u32, value: u64, maxEntries: 16 });
  const everything: Instruction[] = [
    a.loadConstant(r2, 0x123456789abcdef0n),
    a.mov32(r3, r2),
    a.alu32(r3, 's>>=', 3),
    a.neg(r3, 32),
    a.toBigEndian(r3, 32),
    a.byteSwap(r3, 64),
    a.movSigned(r3, r2, 16, 32),
    a.movSigned(r3, r2, 32),
    a.alu(r3, 's%=', 7),
    a.alu32(r3, 's/=', -7),
    a.store(r10, -16, 5, 'u32'),
    a.store(r10, -12, -5, 'u16'),
    a.store(r10, -8, 0, 'u64'),
    a.load(r3, r10, -8, 's32'),
    a.atomic('or', { base: r10, offset: -8 }, r2),
    a.atomic('xor', { base: r10, offset: -8, fetch: true }, r2),
    a.atomic('and', { base: r10, offset: -16, size: 'u32', fetch: true }, r3),
    a.atomic('xchg', { base: r10, offset: -16, size: 'u32' }, r3),
    a.mov(r0, 1),
    a.atomic('cmpxchg', { base: r10, offset: -8 }, r3),
    a.jumpLong('on'),
    a.label('on'),
    a.callSubprogram('part'),
    a.exit(),
    a.label('part'),
    ...returns(1),
  ];
  for (const instructions of [everything, filterOf('ports')]) {
    const spec = { type: 'sched_cls', instructions, maps: { ports } } as const;
    const log = verifierLog(spec);
    const kernel = new Map<string, string>();
    for (const [, slot = '', text = ''] of log.matchAll(/^(?:from \d+ to \d+: )?(\d+): (\(..\) .*?) *(;.*)?$/gm))
      kernel.set(slot, text);
    const ours = disassemble(assemble(instructions, { maps: { ports } })).split('\n');
    assert.equal(kernel.size, ours.length);
    for (const line of ours) {
      const [, slot = '', text] = /^ *(\d+): (.*)$/.exec(line) ?? [];
      if (/map\[/.test(line)) assert.match(kernel.get(slot) ?? '', /^\(18\) r1 = 0x/);
      else assert.equal(kernel.get(slot), text);
    }
  }
});

test('a verifier log longer than the first buffer is fetched whole', () => {
  const long: Instruction[] = [];
  for (let i = 0; i < 3000; i++) long.push(a.mov(r2, i));
  assert.throws(
    () => loadProgram({ type: 'sched_cls', instructions: [...long, a.exit()] }),
    (error) =>
      error instanceof KernelError && /R0 !read_ok/.test(error.message) && String(error.details['log']).length > 70_000,
  );
});

test('what is no program at all is refused before the kernel sees it', () => {
  assert.throws(
    () => loadProgram({ type: 'xdp', instructions: [] }),
    (error) => hasCode(error, 'KERNEL_ENCODE'),
  );
  assert.throws(
    () => loadProgram({ type: 'xdp', instructions: Buffer.alloc(9) }),
    (error) => hasCode(error, 'KERNEL_ENCODE'),
  );
  for (const type of ['cgroup_sock_addr', 'sk_lookup', 'cgroup_sockopt'] as const)
    assert.throws(
      () => loadProgram({ type, instructions: returns(1) }),
      (error) =>
        hasCode(error, 'KERNEL_ENCODE') &&
        /without attachType; write (cgroup_inet4_bind|sk_l|cgroup_gets)/.test(String(error)),
    );
  assert.throws(
    () => loadProgram({ type: 'nothing' as 'xdp', instructions: returns(0) }),
    (error) => hasCode(error, 'KERNEL_ENCODE'),
  );
  assert.throws(
    () => loadProgram({ type: 'xdp', instructions: [a.loadMap(r1, 'm'), a.exit()] }),
    (error) => hasCode(error, 'KERNEL_BPF_ASSEMBLY'),
  );
});

test('a program is found by pin and by id, and says what it is', () => {
  withBpfFs((directory) => {
    const before = openBpfFds();
    const pin = path.join(directory, 'program');
    using program = loadProgram({ type: 'xdp', name: 'pass', license: 'Apache-2.0', instructions: returns(2) });
    program.pin(pin);
    const { id, ...info } = program.info();
    using pinned = openPinnedProgram(pin);
    using byId = openProgramById(id);
    assert.deepEqual([pinned.info().id, byId.info().tag, byId.label], [id, info.tag, 'program pass']);
    assert.deepEqual([info.type, info.name, info.gplCompatible, info.mapCount], ['xdp', 'pass', false, 0]);
    assert.ok(programIds().includes(id));
    assert.equal(disassemble(pinned.translated()), '   0: (b7) r0 = 2\n   1: (95) exit');
    using map = createMap({ type: 'array', key: u32, value: u32, maxEntries: 1 });
    map.pin(`${pin}-map`);
    assert.throws(
      () => openPinnedProgram(`${pin}-nothing`),
      (error) => isErrno(error, 'ENOENT'),
    );
    assert.throws(() => openPinnedProgram(`${pin}-map`), /it is a map/);
    assert.equal(openBpfFds(), before + 4);
  });
});
