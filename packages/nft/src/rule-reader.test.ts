import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttributeWriter } from './attribute-writer.ts';
import type { Table } from './model.ts';
import { RuleReader } from './rule-reader.ts';
import { DATA, EXPRESSION, LIST_ELEMENT } from './wire.ts';

type Instruction = readonly [name: string, write: (out: AttributeWriter) => void];

/** NFTA_RULE_EXPRESSIONS as a program might send it that is not nft. */
function bytecode(instructions: readonly Instruction[]): Buffer {
  const out = new AttributeWriter();
  for (const [name, write] of instructions)
    out.nest(LIST_ELEMENT, () => out.text(EXPRESSION.name, name).nest(EXPRESSION.data, () => write(out)));
  return out.take();
}

const payload = (length: number): Instruction => ['payload', (out) => out.u32(1, 1).u32(2, 1).u32(3, 0).u32(4, length)];
const mark: Instruction = ['meta', (out) => out.u32(1, 1).u32(2, 3)];
const ctState: Instruction = ['ct', (out) => out.u32(1, 1).u32(2, 0)];
const equals = (...bytes: number[]): Instruction => [
  'cmp',
  (out) =>
    out
      .u32(1, 1)
      .u32(2, 0)
      .nest(3, () => out.bytes(DATA.value, Buffer.from(bytes))),
];
const shift = (bits: Uint8Array): Instruction => [
  'bitwise',
  (out) =>
    out
      .u32(1, 1)
      .u32(2, 1)
      .u32(3, 4)
      .u32(6, 1)
      .nest(7, () => out.bytes(DATA.value, bits)),
];
const limitWithoutRate: Instruction = [
  'dynset',
  (out) =>
    out
      .text(1, 'seen')
      .u32(3, 0)
      .u32(4, 1)
      .nest(7, () => out.text(1, 'limit')),
];

const table: Table = {
  family: 'ip',
  name: 't',
  sets: [{ name: 'seen', key: ['mark'], dynamic: true, elements: [] }],
  chains: [],
};

const FOREIGN: readonly { readonly rule: string; readonly instructions: readonly Instruction[] }[] = [
  { rule: 'four billion bytes of the packet', instructions: [payload(2 ** 32 - 1), equals(1)] },
  {
    rule: 'one byte of the packet more than the registers hold',
    instructions: [payload(65), equals(...Array(65).fill(1))],
  },
  { rule: 'a shift by a number without bytes', instructions: [mark, shift(Buffer.alloc(0)), equals(1, 0, 0, 0)] },
  { rule: 'flags in fewer bytes than they have', instructions: [ctState, equals(2, 0)] },
  { rule: 'flags in more bytes than they have', instructions: [ctState, equals(2, 0, 0, 0, 0)] },
];

for (const { rule, instructions } of FOREIGN)
  test(`what has no words stays bytecode: ${rule}`, () => {
    const words = new RuleReader(table, () => undefined).read(bytecode(instructions));
    assert.deepEqual(
      words.map(({ kind }) => kind),
      ['unknown'],
    );
  });

test('a limit that says nothing of its rate is read', () => {
  const words = new RuleReader(table, () => undefined).read(bytecode([mark, limitWithoutRate]));
  assert.equal(words[0]?.kind, 'update');
});
