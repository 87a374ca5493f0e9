/** `up` disturbed: by another `up`, by Ctrl-C, by a lab that is there already; and what a running lab refuses. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { labExists } from '../packages/lab/src/index.ts';
import { ROOT } from '../tools/steps.ts';
import { podwire, start, TestLab } from './podwire.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-up-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const manifest = path.join(directory, 'one.yaml');
writeFileSync(manifest, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n');
const broken = path.join(directory, 'broken.yaml');
writeFileSync(broken, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndta: {}\n');

/** Starts an `up` and interrupts it when its output matches; returns exit code, and what it said on stderr. */
async function interrupted(lab: TestLab, when: RegExp): Promise<{ code: number; stderr: string }> {
  const child = start(
    path.join(ROOT, 'podwire'),
    ['up', '--name', lab.name, '--api-port', String(lab.apiPort), '--nodes', '1'],
    {},
  );
  let [stdout, stderr] = ['', ''];
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout?.on('data', (chunk) => {
    if (!when.test(stdout) && when.test(stdout + chunk)) child.kill('SIGINT');
    stdout += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stderr: `${stderr}${stdout}` };
}

for (const when of [/up +network/, /applied/])
  test(`Ctrl-C after ${when}: exit 130, nothing is left`, { timeout: 900_000 }, async (t) => {
    const lab = new TestLab();
    t.after(() => lab.down());
    const { code, stderr } = await interrupted(lab, when);
    assert.equal(code, 130, stderr);
    assert.match(stderr, new RegExp(`interrupted; what was made of lab "${lab.name}" is removed`));
    assert.deepEqual([labExists(lab.name), existsSync(`/run/podwire/${lab.name}.lock`)], [false, false]);
  });

test('two at once, a manifest for a running lab, unknown names, two checks, a crash and a bad manifest', {
  timeout: 900_000,
}, async (t) => {
  const lab = new TestLab();
  t.after(() => lab.down());
  const both = await Promise.all([lab.up('--nodes', '1', '--no-check'), lab.up('--nodes', '1', '--no-check')]);
  const [winner, loser] = both.toSorted((a, b) => a.code - b.code);
  assert.deepEqual([winner?.code, loser?.code], [0, 1], JSON.stringify(both));
  assert.match(loser?.stderr ?? '', /^podwire: lab "\w+" is being started or removed by process \d+.*wait.*\n$/);

  const again = await lab.up('-f', manifest);
  assert.equal(again.code, 1);
  assert.match(
    again.stderr,
    new RegExp(`was not applied; apply it with: \\S*podwire kubectl --name ${lab.name} apply -f ${manifest}\n$`),
  );

  const unknown = await lab.run('diff', 'attic');
  assert.deepEqual([unknown.code, /no room "attic".*fabric, policy/.test(unknown.stderr)], [2, true], unknown.stderr);
  const nobody = await lab.run('plan', '--node', 'node-9');
  assert.deepEqual([nobody.code, /no node "node-9".*node-1/.test(nobody.stderr)], [2, true], nobody.stderr);

  let checks = await Promise.all([lab.run('check'), lab.run('check')]);
  // a machine that has much to do may start one when the other has ended
  for (let i = 0; i < 5 && checks.every(({ code }) => code === 0); i++)
    checks = await Promise.all([lab.run('check'), lab.run('check')]);
  assert.deepEqual(checks.map(({ code }) => code).toSorted(), [0, 1], JSON.stringify(checks));
  assert.match(checks.find(({ code }) => code === 1)?.stderr ?? '', /a check is running already/);

  const pid = Number(readFileSync(`/run/podwire/${lab.name}/daemon.pid`, 'utf8').split(' ')[0]);
  process.kill(pid, 'SIGKILL');
  const refused = await lab.up('--nodes', '1', '-f', broken);
  assert.deepEqual([refused.code, /dta/.test(refused.stderr)], [1, true], refused.stderr);
  assert.equal((await lab.up('--nodes', '1', '--no-check', '-f', manifest)).code, 0);
  const { pods } = JSON.parse((await lab.run('status', '-o', 'json')).stdout) as { pods: { name: string }[] };
  assert.ok(
    pods.some(({ name }) => name.startsWith('stock-')),
    'the objects from before the crash are gone',
  );
});

test('a name that is none is refused by every command that takes one', async () => {
  for (const command of ['down', 'status', 'check', 'kubectl']) {
    const { code, stderr } = await podwire([command, '--name', '../x']);
    assert.deepEqual([code, /"\.\.\/x" cannot be the name of a lab/.test(stderr)], [2, true], stderr);
  }
});
