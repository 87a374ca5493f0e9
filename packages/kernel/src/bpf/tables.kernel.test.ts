import assert from 'node:assert/strict';
import test from 'node:test';
import { lacking } from '../probe/lacking.fixture.ts';
import { enumOf, fieldsOf, kernelTypes, sizeOf } from './btf.fixture.ts';
import { CONTEXTS } from './context.ts';
import { FUNCTION_NUMBERS } from './function-number.ts';
import { MAP_TYPES } from './map-type.ts';
import { ATTACH_TYPES, LINK_TYPES, PROGRAM_TYPES } from './program-type.ts';

const skip = lacking('btf');
const types = kernelTypes();

test('every name in the tables has the number it has in the kernel', { skip }, () => {
  const tables = [
    ['bpf_map_type', 'BPF_MAP_TYPE_', MAP_TYPES, 30],
    ['bpf_prog_type', 'BPF_PROG_TYPE_', PROGRAM_TYPES, 30],
    ['bpf_attach_type', 'BPF_', ATTACH_TYPES, 40],
    ['bpf_link_type', 'BPF_LINK_TYPE_', LINK_TYPES, 9],
  ] as const;
  for (const [name, prefix, table, least] of tables) {
    const numbers = enumOf(types ?? [], name);
    const known = Object.entries(table).filter(([key]) => numbers.has(prefix + key.toUpperCase()));
    assert.ok(known.length >= least, `${name}: ${known.length}`);
    for (const [key, number] of known) assert.equal(number, numbers.get(prefix + key.toUpperCase()), key);
  }
  const functions = enumOf(types ?? [], 'bpf_func_id');
  for (const [name, number] of Object.entries(FUNCTION_NUMBERS)) {
    const actual = functions.get(`BPF_FUNC_${name}`);
    assert.ok(actual === number || (actual === undefined && number > 200), name);
  }
});

test('every field of a context lies where the kernel has it', { skip }, () => {
  for (const { name, size, fields } of Object.values(CONTEXTS)) {
    const actual = fieldsOf(types ?? [], name);
    for (const [field, { offset }] of Object.entries(fields)) assert.equal(actual.get(field) ?? offset, offset, field);
    assert.ok((sizeOf(types ?? [], name) ?? 0) <= size, name);
    assert.ok(Object.keys(fields).filter((field) => actual.has(field)).length >= 6, name);
  }
});
