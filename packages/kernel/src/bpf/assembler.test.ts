import assert from 'node:assert/strict';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import fc from 'fast-check';
import { DecodeError } from '../errors.ts';
import { assemble } from './assembler.ts';
import { CONTEXTS } from './context.ts';
import { decodeProgram, disassemble } from './disassembler.ts';
import { FUNCTION_NUMBERS, type FunctionName } from './function-number.ts';
import type { Instruction, Register } from './instruction.ts';
import { formatInstruction } from './listing.ts';
import * as bpf from './mnemonic.ts';
import { ALU, ATOMIC, COMPARISON } from './opcode.ts';

const { r0, r1, r2, r3, r4, r5, r7, r9, r10 } = bpf;

/** Bytes as LLVM's assembler makes them, text as the kernel prints it. */
const GOLDEN: readonly (readonly [Instruction, hex: string, text: string])[] = [
  [bpf.mov(r1, 5), 'b701000005000000', 'r1 = 5'],
  [bpf.mov(r1, r2), 'bf21000000000000', 'r1 = r2'],
  [bpf.mov32(r3, 0xffffffff), 'b4030000ffffffff', 'w3 = -1'],
  [bpf.mov32(r3, r4), 'bc43000000000000', 'w3 = w4'],
  [bpf.add(r1, 7), '0701000007000000', 'r1 += 7'],
  [bpf.sub(r1, r2), '1f21000000000000', 'r1 -= r2'],
  [bpf.mul(r2, 3), '2702000003000000', 'r2 *= 3'],
  [bpf.div(r2, r3), '3f32000000000000', 'r2 /= r3'],
  [bpf.or(r2, 255), '47020000ff000000', 'r2 |= 255'],
  [bpf.and(r2, r5), '5f52000000000000', 'r2 &= r5'],
  [bpf.xor(r2, 1), 'a702000001000000', 'r2 ^= 1'],
  [bpf.lsh(r2, 32), '6702000020000000', 'r2 <<= 32'],
  [bpf.rsh(r2, 32), '7702000020000000', 'r2 >>= 32'],
  [bpf.alu(r2, 's>>=', 4), 'c702000004000000', 'r2 s>>= 4'],
  [bpf.alu32(r2, 's>>=', r4), 'cc42000000000000', 'w2 s>>= w4'],
  [bpf.neg(r4), '8704000000000000', 'r4 = -r4'],
  [bpf.neg(r4, 32), '8404000000000000', 'w4 = -w4'],
  [bpf.toBigEndian(r5, 16), 'dc05000010000000', 'r5 = be16 r5'],
  [bpf.toBigEndian(r5, 64), 'dc05000040000000', 'r5 = be64 r5'],
  [bpf.toLittleEndian(r5, 16), 'd405000010000000', 'r5 = le16 r5'],
  [bpf.load(r0, r1, 4, 'u8'), '7110040000000000', 'r0 = *(u8 *)(r1 +4)'],
  [bpf.load(r0, r1, 4, 'u16'), '6910040000000000', 'r0 = *(u16 *)(r1 +4)'],
  [bpf.load(r0, r1, 4, 'u32'), '6110040000000000', 'r0 = *(u32 *)(r1 +4)'],
  [bpf.load(r0, r10, -16, 'u64'), '79a0f0ff00000000', 'r0 = *(u64 *)(r10 -16)'],
  [bpf.store(r10, -1, r3, 'u8'), '733affff00000000', '*(u8 *)(r10 -1) = r3'],
  [bpf.store(r10, -8, r9, 'u64'), '7b9af8ff00000000', '*(u64 *)(r10 -8) = r9'],
  [bpf.atomic('add', { base: r1, offset: 8 }, r2), 'db21080000000000', 'lock *(u64 *)(r1 +8) += r2'],
  [bpf.atomic('or', { base: r1, offset: 8, size: 'u32' }, r2), 'c321080040000000', 'lock *(u32 *)(r1 +8) |= r2'],
  [bpf.loadPacket(12, 'u16'), '280000000c000000', 'r0 = *(u16 *)skb[12]'],
  [bpf.loadPacket(0, 'u8', r7), '5070000000000000', 'r0 = *(u8 *)skb[r7 + 0]'],
  [bpf.loadConstant(r1, 0x123456789abcdefn), '18010000efcdab890000000067452301', 'r1 = 0x123456789abcdef'],
  [bpf.jump(3), '0500030000000000', 'goto pc+3'],
  [bpf.jump(-2), '0500feff00000000', 'goto pc-2'],
  [bpf.jumpIf(r0, '==', 0, 4), '1500040000000000', 'if r0 == 0x0 goto pc+4'],
  [bpf.jumpIf(r0, '!=', r1, 4), '5d10040000000000', 'if r0 != r1 goto pc+4'],
  [bpf.jumpIf(r0, '>', 5, 1), '2500010005000000', 'if r0 > 0x5 goto pc+1'],
  [bpf.jumpIf(r0, '>=', r3, 1), '3d30010000000000', 'if r0 >= r3 goto pc+1'],
  [bpf.jumpIf(r0, '<', 5, 1), 'a500010005000000', 'if r0 < 0x5 goto pc+1'],
  [bpf.jumpIf(r0, '<=', 5, -1), 'b500ffff05000000', 'if r0 <= 0x5 goto pc-1'],
  [bpf.jumpIf(r0, 's>', -1, 1), '65000100ffffffff', 'if r0 s> 0xffffffff goto pc+1'],
  [bpf.jumpIf(r0, 's>=', r1, 1), '7d10010000000000', 'if r0 s>= r1 goto pc+1'],
  [bpf.jumpIf(r0, 's<', 3, 1), 'c500010003000000', 'if r0 s< 0x3 goto pc+1'],
  [bpf.jumpIf(r0, 's<=', 3, 1), 'd500010003000000', 'if r0 s<= 0x3 goto pc+1'],
  [bpf.jumpIf32(r0, '==', 7, 2), '1600020007000000', 'if w0 == 0x7 goto pc+2'],
  [bpf.jumpIf32(r0, 's<', r1, 2), 'ce10020000000000', 'if w0 s< w1 goto pc+2'],
  [bpf.call('map_lookup_elem'), '8500000001000000', 'call bpf_map_lookup_elem#1'],
  [bpf.exit(), '9500000000000000', 'exit'],
];

test('instructions have the bytes of LLVM and the text of the kernel', () => {
  for (const [instruction, hex, text] of GOLDEN) {
    const bytes = assemble([instruction]);
    assert.equal(bytes.toString('hex'), hex, text);
    const [decoded] = decodeProgram(bytes);
    assert.equal(decoded && formatInstruction(decoded), text);
  }
});

test('labels become distances in slots, forwards and backwards, over 64-bit loads', () => {
  const program = [
    bpf.label('again'),
    bpf.loadConstant(r1, 1n),
    bpf.jumpIf(r1, '==', 0, 'again'),
    bpf.jump('out'),
    bpf.loadMap(r2, 'services'),
    bpf.callSubprogram('part'),
    bpf.label('out'),
    bpf.exit(),
    bpf.label('part'),
    bpf.loadMapValue(r2, { fd: 9 }, 16),
    bpf.loadFunction(r3, 'part'),
    bpf.exit(),
  ];
  assert.deepEqual(disassemble(assemble(program, { maps: { services: 7 } })).split('\n'), [
    '   0: (18) r1 = 0x1',
    '   2: (15) if r1 == 0x0 goto pc-3',
    '   3: (05) goto pc+3',
    '   4: (18) r2 = map[fd:7]',
    '   6: (85) call pc+1',
    '   7: (95) exit',
    '   8: (18) r2 = map[fd:9][0]+16',
    '  10: (18) r3 = subprog[-3]',
    '  12: (95) exit',
  ]);
});

test('fields of a context are read and written where they are', () => {
  const { bpf_sock_addr: address, __sk_buff: packet } = CONTEXTS;
  const text = [
    bpf.loadField(r2, r1, address, 'user_ip4'),
    bpf.loadField(r2, r1, address, ['user_ip6', 3]),
    bpf.storeField(r1, address, 'user_port', r2),
    bpf.storeField(r1, packet, ['cb', 1], r2),
    bpf.loadField(r2, r1, packet, 'tstamp'),
  ].map((instruction) => formatInstruction(instruction));
  assert.deepEqual(text, [
    'r2 = *(u32 *)(r1 +4)',
    'r2 = *(u32 *)(r1 +20)',
    '*(u32 *)(r1 +24) = r2',
    '*(u32 *)(r1 +52) = r2',
    'r2 = *(u64 *)(r1 +152)',
  ]);
  for (const [field, word] of [
    ['user_ip6', 4],
    ['user_ip6', -1],
    ['user_ip4', 1],
  ] as const)
    assert.throws(
      () => bpf.loadField(r2, r1, address, [field, word]),
      (error) => hasCode(error, 'KERNEL_ENCODE') && String(error).includes(field),
    );
  // @ts-expect-error a field that may only be read; it is for the verifier to refuse it
  assert.equal(bpf.storeField(r1, address, 'protocol', r2).kind, 'store');
  // @ts-expect-error a field of another context
  assert.throws(() => bpf.loadField(r2, r1, address, 'mark'), { code: 'KERNEL_ENCODE' });
});

test('what cannot be assembled is refused with the instruction and the reason', () => {
  const refused = (program: Instruction[], reason: RegExp) => {
    assert.throws(
      () => assemble(program),
      (error) => {
        assert.ok(hasCode(error, 'KERNEL_BPF_ASSEMBLY'), String(error));
        assert.match(String(error), reason);
        return true;
      },
    );
  };
  const many = (count: number) => Array.from({ length: count }, () => bpf.mov(r0, 0));
  refused([bpf.mov(r0, 0), bpf.jump('nowhere')], /instruction 1 \(goto nowhere\): there is no label "nowhere"/);
  refused([bpf.label('a'), bpf.label('a')], /exists already/);
  refused([bpf.jump('far'), ...many(32768), bpf.label('far')], /32768 slots away/);
  refused([bpf.mov('r11' as Register, 0)], /"r11" is not a register; there are r0 to r10/);
  refused([bpf.mov(r10, 0)], /frame pointer/);
  refused([bpf.mov(r0, 0xffffffff)], /use loadConstant/);
  refused([bpf.mov(r0, 1.5)], /not a whole number/);
  refused([bpf.mov32(r0, 2 ** 32)], /not a whole number/);
  refused([bpf.lsh(r0, 64)], /from 0 to 63/);
  refused([bpf.alu32(r0, '<<=', 32)], /from 0 to 31/);
  refused([bpf.store(r1, 0, 256, 'u8')], /from -128 to 255/);
  refused([bpf.load(r1, r1, 40000, 'u8')], /does not fit 16 bits/);
  refused([bpf.load(r1, r1, 0, 'u24' as 'u8')], /u24 is not a size/);
  refused([bpf.atomic('add', { base: r1, offset: 0, size: 'u8' as 'u32' }, r1)], /u8 is not a size/);
  refused([bpf.movSigned(r1, r1, 32, 32)], /cannot extend 32 bits to 32/);
  refused([bpf.toBigEndian(r1, 8 as 16)], /16, 32 or 64/);
  refused([bpf.loadMap(r1, 'toString')], /no map is bound to the name "toString"/);
  refused([bpf.loadMapValue(r1, 5, -1)], /-1 is not a whole number/);
  refused([bpf.loadMapValue(r1, 5, 2 ** 32)], /4294967296 is not a whole number/);
  refused([bpf.call('nothing' as FunctionName)], /no function "nothing"/);
  assert.equal(assemble([bpf.jump('far'), ...many(32767), bpf.label('far'), bpf.exit()]).readInt16LE(2), 32767);
  assert.equal(assemble([bpf.jumpLong('far'), ...many(32768), bpf.label('far')]).readInt32LE(4), 32768);
});

const keys = <K extends string>(table: Readonly<Record<K, unknown>>) => fc.constantFrom(...(Object.keys(table) as K[]));
const register = fc.constantFrom(r0, r1, r2, r3, r4, r5, bpf.r6, r7, bpf.r8, r9);
const imm = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const offset = fc.integer({ min: -0x8000, max: 0x7fff });
const bits = fc.constantFrom<32 | 64>(32, 64);
const memorySize = fc.constantFrom<'u8' | 'u16' | 'u32' | 'u64'>('u8', 'u16', 'u32', 'u64');
const kind = <const K extends Instruction['kind'], F extends object>(
  name: K,
  fields: { [P in keyof F]: fc.Arbitrary<F[P]> },
) => fc.record(fields).map((values) => ({ kind: name, ...values }));

const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  kind('alu', {
    op: keys(ALU).filter((op) => !/<<|>>/.test(op)),
    dst: register,
    src: fc.oneof(register, imm),
    bits,
  }),
  kind('alu', { op: fc.constantFrom('<<=', '>>=', 's>>='), dst: register, src: fc.nat(31), bits }),
  kind('negate', { dst: register, bits }),
  kind('extend', { dst: register, src: register, from: fc.constantFrom(8, 16), bits }),
  kind('swap', { order: fc.constantFrom('be', 'le', 'bswap'), dst: register, bits: fc.constantFrom(16, 32, 64) }),
  kind('load', {
    dst: register,
    base: register,
    offset,
    size: fc.oneof(memorySize, fc.constantFrom('s8', 's16', 's32')),
  }),
  kind('store', {
    base: register,
    offset,
    src: fc.oneof(register, fc.integer({ min: -128, max: 127 })),
    size: memorySize,
  }),
  kind('atomic', {
    op: keys(ATOMIC),
    base: register,
    offset,
    src: register,
    size: fc.constantFrom('u32', 'u64'),
    fetch: fc.constant(true),
  }),
  kind('packet', {
    index: fc.option(register, { nil: undefined }),
    offset: imm,
    size: fc.constantFrom('u8', 'u16', 'u32'),
  }),
  kind('constant', { dst: register, value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  kind('map', { dst: register, map: fc.nat(), valueOffset: fc.option(fc.nat(), { nil: undefined }) }),
  kind('function', { dst: register, target: imm }),
  kind('jump', { target: offset, long: fc.boolean() }),
  kind('branch', { op: keys(COMPARISON), dst: register, src: fc.oneof(register, imm), bits, target: offset }),
  kind('call', { name: keys(FUNCTION_NUMBERS) }),
  kind('subprogram', { target: imm }),
  fc.constant(bpf.exit()),
) as fc.Arbitrary<Instruction>;

test('any program comes back from its bytes', () => {
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 20 }), (program) => {
      assert.deepEqual(decodeProgram(assemble(program)), program);
      assert.equal(disassemble(assemble(program)).split('\n').length, Math.max(program.length, 1));
    }),
  );
});

test('random bytes decode to what assembles to them, or to a DecodeError', () => {
  const slot = fc.tuple(
    fc.nat(255),
    fc.constantFrom(0, 0x10, 0x21, 0xa3),
    fc.uint8Array({ minLength: 6, maxLength: 6 }),
  );
  const sparse = slot.map(([code, registers, rest]) => [
    code,
    registers,
    ...rest.map((byte) => (byte < 200 ? 0 : byte)),
  ]);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.array(sparse).map((slots) => Uint8Array.from(slots.flat())),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      try {
        assert.deepEqual(assemble(decodeProgram(input)), Buffer.from(input));
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    }),
    { numRuns: 5000 },
  );
});

test('a field that the context does not have is refused with those it has', () => {
  const message = /"protocl" as a field of __sk_buff; write len, pkt_type, mark, queue_mapping, protocol, /;
  const field = 'protocl' as 'protocol';
  assert.throws(() => bpf.loadField(r2, r1, CONTEXTS.__sk_buff, field), { code: 'KERNEL_ENCODE', message });
});
