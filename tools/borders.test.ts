import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT } from './steps.ts';

/** Layers from the ground up; imports go to a lower layer only, so rooms cannot see each other. DESIGN: packages. */
const LAYERS = [
  ['base'],
  ['kernel'],
  ['net', 'nft', 'kube'],
  ['pods', 'fabric', 'services', 'policy', 'dns', 'ingress', 'loadbalancer', 'apiserver', 'controllers'],
  ['trace'],
  ['agent'],
  ['lab'],
  ['cli'],
];
/** Within the vocabulary layer kube knows no kernel; the kernel packages know no Kubernetes. */
const FORBIDDEN: readonly (readonly [from: string, to: string])[] = [['kube', 'kernel']];

const layerOf = new Map(LAYERS.flatMap((names, level) => names.map((name) => [name, level] as const)));
const IMPORT = /(?:from|import)\s*\(?\s*'([^']+)'/g;

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly isTest: boolean;
}

function podwireImports(): Import[] {
  return globSync('packages/*/{src,bin}/**/*.ts', { cwd: ROOT }).flatMap((file) => {
    const from = file.split(path.sep)[1] as string;
    const specifiers = [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(IMPORT)].map((m) => m[1] as string);
    const isTest = file.includes('.test.') || file.includes('testing');
    return specifiers.flatMap((specifier) => {
      const to = /^@podwire\/([a-z]+)/.exec(specifier)?.[1];
      return to === undefined || to === from ? [] : [{ file, from, to, isTest }];
    });
  });
}

test('every package has a layer and imports only lower ones', () => {
  const imports = podwireImports();
  assert.ok(imports.length > 50, `only ${imports.length} imports found: the scan is broken`);
  // Tests may look up at the control plane, as its clients would.
  const wrong = imports.filter(({ from, to, isTest }) => {
    if (isTest && (to === 'apiserver' || to === 'controllers')) return false;
    const [a, b] = [layerOf.get(from), layerOf.get(to)];
    return a === undefined || b === undefined || b >= a || FORBIDDEN.some(([f, t]) => f === from && t === to);
  });
  assert.deepEqual(wrong, []);
});

test('no import leaves its package by a relative path', () => {
  const wrong = globSync('packages/*/{src,bin}/**/*.ts', { cwd: ROOT }).flatMap((file) => {
    const home = file.split(path.sep).slice(0, 2).join(path.sep);
    return [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(IMPORT)]
      .map((m) => m[1] as string)
      .filter(
        (specifier) =>
          specifier.startsWith('.') && !path.join(path.dirname(file), specifier).startsWith(`${home}${path.sep}`),
      )
      .map((specifier) => `${file}: ${specifier}`);
  });
  assert.deepEqual(wrong, []);
});

test('no mode of balancing Services imports from the folder of another one', () => {
  const home = 'packages/services/src';
  const modes = globSync(`${home}/*/*-proxy.ts`, { cwd: ROOT }).map((file) => path.dirname(file));
  assert.ok(modes.length >= 5, `found ${modes.length} modes`);
  const files = globSync(`${home}/*/**/*.ts`, { cwd: ROOT }).filter((file) => !/\.(test|fixture)\.ts$/.test(file));
  const wrong = files.flatMap((file) => {
    const from = path.dirname(file);
    if (!modes.includes(from)) return [];
    return [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(IMPORT)]
      .map((m) => path.join(from, m[1] as string))
      .filter((to) => modes.some((mode) => mode !== from && to.startsWith(`${mode}${path.sep}`)))
      .map((to) => `${file}: ${to}`);
  });
  assert.deepEqual(wrong, []);
});

test('plans are pure: plan.ts imports no node module and no kernel', () => {
  const plans = globSync('packages/*/src/**/plan.ts', { cwd: ROOT });
  assert.ok(plans.length >= 6, `found ${plans.length} plan.ts`);
  for (const file of plans) {
    const impure = [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(IMPORT)]
      .map((m) => m[1] as string)
      .filter((s) => s.startsWith('node:') || s === '@podwire/kernel');
    assert.deepEqual(impure, [], file);
  }
});
