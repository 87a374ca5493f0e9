import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { PROXY_MODES } from '../proxy-modes.ts';
import { CHANGE_NAMES } from './changes.ts';
import { SUITE } from './index.ts';
import { insteadOf, LIMITS, type Limit } from './limits.ts';
import type { Probe } from './probe.ts';

const PACKAGES = path.join(import.meta.dirname, '..', '..', '..');
const readme = readFileSync(path.join(PACKAGES, 'services', 'README.md'), 'utf8');
const STEPS = SUITE.flatMap(({ steps }) => steps);
const DIVERGENCES = STEPS.flatMap(({ services = [], probes }) =>
  [...new Set(LIMITS.map(({ mode }) => mode))].flatMap((mode) =>
    probes.map((probe) => ({ mode, probe, ...instead(mode, probe, services) })),
  ),
).filter(({ limits }) => limits.length > 0);

function instead(...args: Parameters<typeof insteadOf>) {
  const { probe, limits } = insteadOf(...args);
  return { other: probe, limits };
}

test('the README shows the table of what modes do otherwise', () => {
  const [, table = ''] = /\n## DIFFERENCES\n(.*?)\n## /s.exec(readme) ?? [];
  const rows = [...table.matchAll(/^\| (\w+) +\| (.+?) +\| (.+?) +\|$/gm)].map(([, ...row]) => row);
  const expected = PROXY_MODES.flatMap((mode) => LIMITS.filter((limit) => limit.mode === mode));
  assert.deepEqual(
    rows.slice(1),
    expected.map(({ mode, what, instead: other }) => [mode, what, other]),
  );
});

test('no row is about nothing', () => {
  const services = STEPS.flatMap((step) => step.services ?? []);
  const isUsed = (limit: Limit): boolean =>
    DIVERGENCES.some(({ limits }) => limits.includes(limit)) ||
    services.some((service) => limit.problem?.(service)) ||
    CHANGE_NAMES.includes(limit.change ?? '') ||
    limit.tested !== undefined;
  assert.deepEqual(
    LIMITS.filter((limit) => !isUsed(limit)),
    [],
  );
});

test('what is tested elsewhere has its test there', () => {
  const tested = LIMITS.flatMap((limit) => (limit.tested ? [limit.tested] : []));
  assert.ok(tested.length > 0);
  for (const [file, title] of tested) {
    const place = path.join(PACKAGES, file);
    const text = existsSync(place) ? readFileSync(place, 'utf8') : '';
    assert.ok(text.includes(`'${title}'`), `${file} has no test "${title}"`);
  }
});

test('what happens instead excludes what is expected, so that a row which no longer holds fails', () => {
  const vague = DIVERGENCES.filter(({ probe, other }) => !excludes(probe, other));
  assert.deepEqual(
    vague.map(({ mode, probe }) => ({ mode, probe })),
    [],
  );
});

/** Whether no outcome is right for both: both fail otherwise, group otherwise, or some endpoint sees another source. */
function excludes(one: Probe, other: Probe): boolean {
  if (one.fails !== other.fails || one.grouped !== other.grouped) return true;
  const sources = ({ sources: list, sourceAt = {} }: Probe) => list ?? Object.values(sourceAt);
  return sources(one).some((source, i) => source !== (sources(other)[i] ?? sources(other)[0]));
}
