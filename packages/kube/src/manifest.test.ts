import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifests, parseYaml } from './manifest.ts';

test('documents, lists and empty documents', () => {
  const text =
    '# nothing\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: b}}\n';
  const all = parseManifests(text, 'x.yaml');
  assert.deepEqual(
    all.map(({ object, document, line }) => [object.kind, object.metadata?.name, document, line]),
    [
      ['Pod', 'a', 1, 3],
      ['Service', 'b', 3, 8],
    ],
  );
});

test('YAML 1.1 as kubectl reads it', () => {
  const text = 'a: yes\nb: 0777\nc: 2024-01-01\nd: 12:30\ne: "yes"\nf: 1e3\nbase: &b {x: 1}\ng: {<<: *b, z: 2}\n';
  assert.deepEqual(parseYaml(text, 'x'), {
    a: true,
    b: 511,
    c: '2024-01-01',
    d: '12:30',
    e: 'yes',
    f: 1000,
    base: { x: 1 },
    g: { x: 1, z: 2 },
  });
  assert.deepEqual(parseYaml('{"a": [1, "x", null]}', 'x'), { a: [1, 'x', null] });
  assert.deepEqual(parseYaml('a: 1\r\nb: 2\r\n', 'x'), { a: 1, b: 2 });
});

test('errors name source, document and line', () => {
  const code = 'KUBE_BAD_MANIFEST';
  assert.throws(() => parseManifests('kind: A\napiVersion: v1\n---\nkind: Pod\n', 'f.yaml'), {
    code,
    message: /^f\.yaml: document 2, line 4: apiVersion of the Pod is missing/,
  });
  assert.throws(() => parseManifests('a: 1\na: 2\n', 'f.yaml'), { code, message: /line 2/ });
  assert.throws(() => parseManifests('a: [1\n', 'f.yaml'), { code });
  assert.throws(() => parseManifests('- 1\n', 'f.yaml'), { code, message: /not an object/ });
  assert.throws(() => parseYaml('a: .inf', 'f'), { code, message: /the value at a cannot be written as JSON/ });
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 8 }, (_, i) => `${'bcdefghi'[i]}: &${'bcdefghi'[i]} [${Array(10).fill(`*${'abcdefgh'[i]}`)}]`).join('\n')}`;
  assert.throws(() => parseYaml(bomb, 'f'), { code });
});

test('no key twice in one map, however it is written', () => {
  const code = 'KUBE_BAD_MANIFEST';
  const message = /^f: document 1, line 3: Map keys must be unique, but "b" is there again$/;
  assert.throws(() => parseYaml('a:\n- b: 1\n  "b": 2\n', 'f'), { code, message });
  assert.throws(() => parseYaml('a:\n  {b: 1,\n  b: 2}\n', 'f'), { code, message });
  assert.throws(() => parseYaml('0x10: 1\n16: 2', 'f'), { code, message: /but 16 is there again/ });
  assert.deepEqual(parseYaml('a: {b: 1}\nb: {b: 2}\n', 'f'), { a: { b: 1 }, b: { b: 2 } });
  assert.deepEqual(parseYaml('x: &x {a: 1}\nz: {<<: *x, <<: *x, b: 2}\n', 'f'), { x: { a: 1 }, z: { a: 1, b: 2 } });
});

test('one map of many keys is read as fast as many maps of one key', () => {
  const members = Array.from({ length: 10_000 }, (_, i) => `k${i}: v`);
  const cpuTime = (separator: string) => {
    const before = process.cpuUsage();
    parseYaml(`- ${members.join(separator)}`, 'f');
    return process.cpuUsage(before).user;
  };
  // V8 compiles and collects garbage when it likes, so the better of two
  const best = (separator: string) => Math.min(cpuTime(separator), cpuTime(separator));
  const together = best('\n  ');
  // 1, or 20 if each key were compared with all before it.
  const ratio = together / best('\n- ');
  assert.ok(ratio < 7, String(ratio));
});

test('a __proto__ key stays a plain member', () => {
  const value = parseYaml('{"__proto__": {"polluted": true}, "a": 1}', 'f') as Record<string, unknown>;
  assert.equal((value as { polluted?: unknown }).polluted, undefined);
});
