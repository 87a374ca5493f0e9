import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { duplicateFields } from './duplicate-fields.ts';
import { restBench } from './rest.fixture.ts';

const found = (text: string) =>
  duplicateFields(text, JSON.parse(text)).map((fault) => /^duplicate field "(.*)"$/.exec(fault)?.[1]);

test('fields that are there twice are found where they are', () => {
  assert.deepEqual(found('{"a":1,"a":2}'), ['a']);
  assert.deepEqual(found('{"a":{"b":1,"c":{"b":2}},"d":[{"e":1},{"e":1,"e":2,"e":3}]}'), ['d[1].e']);
  assert.deepEqual(found(' {"x" : {"\\u0061":1, "a" :[1, {"y":"}\\"a\\\\"}]} } '), ['x.a']);
  assert.deepEqual(found('{"s":"\\"a\\":1,\\"a\\":2","t":"{[,:"}'), []);
  assert.deepEqual(found('[{"a":1},{"a":1}, "a"]'), []);
  assert.deepEqual(found('{"a" : 1,"a" :":x"}'), ['a']);
  assert.deepEqual(found('{"a\\\\":1,"a\\\\":2}'), ['a\\\\']);
  assert.deepEqual(found('{"k:{\\"name\\":\\"c\\"}":{},"x":":","y":["\\":",":"]}'), []);
  assert.equal(found(`{${Array.from({ length: 300 }, (_, i) => `"${i % 150}":1`).join(',')}}`).length, 100);
});

test('what is written by a program has nothing twice', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(3), (text, space) => {
      const pretty = JSON.stringify(JSON.parse(text), undefined, space);
      assert.deepEqual(duplicateFields(pretty, JSON.parse(pretty)), []);
    }),
  );
});

test('a field that is sent twice is told, and refused when that was asked for', async (t) => {
  const { ask } = await restBench(t);
  const path = '/api/v1/namespaces/default/configmaps';
  const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1","x":"2"}}';
  const refused = await ask(`POST ${path}?fieldValidation=Strict`, text);
  assert.equal(refused.code, 400);
  assert.match(refused.body.message, /strict decoding error: duplicate field "data.x"$/);
  const created = await ask(`POST ${path}`, text);
  assert.deepEqual(created.warnings, ['299 - "duplicate field \\"data.x\\""']);
  const patch = '{"data":{"y":"1","y":"2"}}';
  assert.equal((await ask(`PATCH ${path}/a?fieldValidation=Strict`, patch)).code, 422);
  assert.deepEqual((await ask(`PATCH ${path}/a?fieldValidation=Ignore`, patch)).warnings, []);
  const apply = await ask(`PATCH ${path}/a?fieldManager=m&force=true`, text, 'application/apply-patch+yaml');
  assert.deepEqual([apply.code, apply.warnings], [200, ['299 - "duplicate field \\"data.x\\""']]);
  const put = await ask(`PUT ${path}/a?fieldValidation=Strict`, text);
  assert.equal(put.code, 400);
});

test('of many unknown fields as many are told as fit in headers', async (t) => {
  const { ask } = await restBench(t);
  const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`field${i}${'x'.repeat(100)}`, 1]));
  const { code, warnings } = await ask('POST /api/v1/namespaces/default/configmaps', {
    metadata: { name: 'a' },
    ...unknown,
  });
  assert.equal(code, 201);
  assert.ok(warnings.join().length > 1000 && warnings.join().length < 8192, `${warnings.join().length}`);
});
