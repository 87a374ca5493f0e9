import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT } from './steps.ts';

const sources = globSync('{packages,tools,bench,scenarios}/**/*.{ts,mjs,c,md}', {
  cwd: ROOT,
  exclude: (name) => name.includes('node_modules'),
});

test('file names are kebab-case nouns', () => {
  const banned = /(^|[-/])(manager|helpers?|utils?|process|handle)([-.]|$)/;
  const wrong = sources.filter(
    (file) => file.endsWith('.ts') && (banned.test(file) || !/^[a-z0-9.-]+$/.test(path.basename(file))),
  );
  assert.deepEqual(wrong, []);
});

test("the glossary's banned synonyms are not used", () => {
  const glossary = readFileSync(path.join(ROOT, 'docs/glossary.md'), 'utf8');
  const banned = [...glossary.matchAll(/^\| [^|]+\| [^|]+\| ([^|]+) \|$/gm)]
    .slice(1)
    .flatMap((m) => (m[1] as string).split(','))
    .map((w) => w.trim())
    .filter((w) => /^[a-z][a-z ]+$/.test(w));
  assert.ok(banned.length >= 8, `the glossary bans only ${banned.length} words: its table was not read`);
  const pattern = new RegExp(`\\b(${banned.join('|')})s?\\b`, 'i');
  const wrong = sources.flatMap((file) =>
    readFileSync(path.join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, i) =>
        pattern.test(line) && file !== 'tools/words.test.ts' ? [`${file}:${i + 1}: ${line.trim()}`] : [],
      ),
  );
  assert.deepEqual(wrong, []);
});

test("every error code table stands in its package's README", () => {
  const tables = globSync('packages/*/src/**/errors.ts', { cwd: ROOT });
  assert.ok(tables.length >= 8, `found ${tables.length} error tables`);
  for (const file of tables) {
    const codes = [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^ {2}([A-Z]+_[A-Z0-9_]+):/gm)].map(
      (m) => m[1] as string,
    );
    const readme = readFileSync(path.join(ROOT, file.split(path.sep).slice(0, 2).join('/'), 'README.md'), 'utf8');
    const written = [...readme.matchAll(/`([A-Z]+_[A-Z0-9_]+)`/g)]
      .map((m) => m[1] as string)
      .filter((code) => code.startsWith(`${(codes[0] ?? '').split('_')[0]}_`));
    assert.deepEqual(
      [...new Set(written)].sort(),
      [...new Set(codes)].sort(),
      `${file} and its package's README differ`,
    );
  }
});
