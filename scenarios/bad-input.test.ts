/** What a user gets wrong: one line that says what, why and what to do; exit code 1 or 2; nothing left behind. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { labExists } from '../packages/lab/src/index.ts';
import { podwire, run, TestLab } from './podwire.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-bad-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const at = path.join(directory, name);
  writeFileSync(at, text);
  return at;
};

async function refused(args: readonly string[], code: number, message: RegExp): Promise<void> {
  const lab = new TestLab();
  const { stderr, code: got } = await lab.up(...args);
  assert.match(stderr, message);
  assert.equal(got, code, stderr);
  assert.equal(labExists(lab.name), false, 'something is left behind');
}

test('a manifest that does not parse, is no object, or is not there', async () => {
  await refused(['-f', file('broken.yaml', 'a: [1\nb: 2\n')], 1, /broken\.yaml.*line \d/);
  await refused(['-f', file('list.yaml', '- 1\n')], 1, /list\.yaml/);
  await refused(['-f', path.join(directory, 'absent.yaml')], 1, /absent\.yaml/);
});

test('a manifest that does not validate: the field path, and the good object beside it is not made either', {
  timeout: 900_000,
}, async () => {
  const text =
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bad}\nspec: {replicas: 1, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}\n';
  await refused(['-f', file('invalid.yaml', text)], 1, /Deployment.*"bad" is invalid.*spec\.selector: Required value/);
  await refused(
    ['-f', file('kind.yaml', 'apiVersion: v1\nkind: Nonsense\nmetadata: {name: x}\n')],
    1,
    /no matches for kind "Nonsense" in version "v1"/,
  );
  await refused(
    ['-f', file('field.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndta: {}\n')],
    1,
    /dta/,
  );
});

test('a port in use is named with what to do', async () => {
  const lab = new TestLab();
  const server = net.createServer().listen(lab.apiPort, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { code, stderr } = await lab.up();
  server.close();
  assert.deepEqual([code, labExists(lab.name)], [1, false]);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${lab.apiPort}.*--api-port`));
});

test('ranges that overlap, unknown settings and wrong flags are usage errors', async () => {
  await refused(['--config', file('overlap.yaml', 'cluster: {podCidrs: [10.96.0.0/16]}\n')], 2, /overlap/);
  await refused(
    ['--config', file('clash.yaml', 'underlayCidr: 10.244.9.0/24\n')],
    2,
    /underlayCidr.*overlaps.*podCidrs/,
  );
  await refused(['--config', file('unknown.yaml', 'nods: 3\n')], 2, /nods/);
  await refused(['--nodes', '0'], 2, /nodes/);
  await refused(['--backend', 'carrier-pigeon'], 2, /carrier-pigeon/);
  await refused(['--nodes', 'many'], 2, /whole number/i);
});

test('a lab that is not running, a command that is none', async () => {
  const status = await podwire(['status', '--name', 'nosuch']);
  assert.deepEqual([status.code, /"nosuch" is not running; start it with/.test(status.stderr)], [1, true]);
  assert.equal((await podwire(['frobnicate'])).code, 2);
  assert.equal((await podwire(['down', '--name', 'nosuch'])).code, 0);
  const help = await podwire(['up', '--help']);
  assert.deepEqual([help.code, /Examples:/.test(help.stdout)], [0, true]);
});

test('without root and without sudo: one line, exit code 1', async (t) => {
  const readable = await run('setpriv', [
    '--reuid=65534',
    '--clear-groups',
    'test',
    '-r',
    path.resolve('package.json'),
  ]);
  if (readable.code !== 0) {
    t.skip('probe setpriv: another user cannot read this checkout');
    return;
  }
  const { code, stderr } = await run('setpriv', [
    '--reuid=65534',
    '--clear-groups',
    'env',
    'PATH=/usr/local/bin:/usr/bin:/bin',
    './podwire',
    'up',
    '--name',
    'noroot',
  ]);
  if (existsSync('/usr/bin/sudo')) assert.notEqual(code, 0);
  else assert.match(stderr, /need root.*no sudo/);
  assert.equal(code, 1);
  assert.equal(labExists('noroot'), false);
});
