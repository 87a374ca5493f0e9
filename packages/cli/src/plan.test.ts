import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { runCommandLine } from './command-line.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const EXAMPLE = path.join(ROOT, 'examples/hello.yaml');
const directory = mkdtempSync(path.join(tmpdir(), 'podwire-plan-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true, force: true }));

/** Runs in this process; what is printed, and the exit code. */
async function run(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const printed: string[] = [];
  const [log, write] = [console.log, process.stderr.write];
  console.log = (line: string) => void printed.push(line);
  process.stderr.write = (text: string | Uint8Array) => printed.push(String(text)) > 0;
  try {
    const code = await runCommandLine(['plan', ...args]);
    return { code, text: printed.join('\n') };
  } finally {
    console.log = log;
    process.stderr.write = write;
  }
}

/** The example with one line changed. */
function changed(from: string, to: string): string {
  const file = path.join(directory, 'changed.yaml');
  const text = readFileSync(EXAMPLE, 'utf8');
  assert.ok(text.includes(from), `the example has no ${from}`);
  writeFileSync(file, text.replace(from, to), { mode: 0o644 });
  return file;
}

/** As another user, who may do nothing but read. */
function asNobody(...args: string[]) {
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  return spawnSync(path.join(ROOT, 'podwire'), args, {
    ...nobody,
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
  });
}

test('without root and without a lab: the real command, and the same again', async (t) => {
  const first = asNobody('plan', 'services', '-f', EXAMPLE);
  if (/EACCES|Permission denied/.test(`${first.error} ${first.stderr}`)) {
    t.skip('probe: another user cannot read this checkout');
    return;
  }
  assert.deepEqual([first.status, first.stderr], [0, '']);
  assert.match(
    first.stdout,
    /^node-2 {2}services {2}cluster IP 10\.96\.0\.\d+ tcp 80 -> 10\.244\.\S+, .* {2}# Service default\/stock port http$/m,
  );
  assert.equal(`${(await run('services', '-f', EXAMPLE)).text}\n`, first.stdout);
});

test('a Service that changes is a few lines of difference', async () => {
  const lines = async (file: string) => (await run('services', '--node', 'node-1', '-f', file)).text.split('\n');
  const before = await lines(EXAMPLE);
  const other = await lines(
    changed('  selector: { app: stock }', '  selector: { app: stock }\n  sessionAffinity: ClientIP'),
  );
  const different = other.filter((line) => !before.includes(line));
  assert.equal(other.length, before.length);
  assert.ok(
    different.length > 0 && different.every((line) => /affinity 10800 s.*# Service default\/stock /.test(line)),
  );
});

for (const mode of ['nftables', 'iptables', 'ipvs', 'userspace', 'ebpf']) {
  test(`--proxy-mode ${mode} -o json: every entry has its reason`, async () => {
    const { code, text } = await run('services', '-f', EXAMPLE, '--proxy-mode', mode, '-o', 'json');
    assert.equal(code, 0);
    const nodes = JSON.parse(text) as {
      node: string;
      rooms: { room: string; entries: { what: string; why: string }[]; problems: string[] }[];
    }[];
    assert.deepEqual(
      nodes.map(({ node }) => node),
      ['node-1', 'node-2', 'node-3'],
    );
    for (const { rooms } of nodes) {
      assert.deepEqual(
        rooms.map(({ room, problems }) => [room, problems]),
        [['services', []]],
      );
      const entries = rooms.flatMap((room) => room.entries);
      assert.ok(entries.length >= 4 && entries.every(({ what, why }) => what && why.startsWith('Service ')));
      assert.equal(
        entries.some(({ what }) => what.startsWith('sockets: ')),
        mode === 'ebpf',
      );
    }
  });
}

test('what cannot be had stands below', async () => {
  const file = changed('  name: stock\n', '  name: stock\n  annotations: { podwire.io/balance: least-connections }\n');
  const { text } = await run('services', '--node', 'node-3', '-f', file);
  assert.match(
    text,
    /\nnode-3 {2}services {2}# cannot be had: Service default\/\w+: balance least-connections is not in mode/,
  );
});

test('other rooms that follow from objects alone, and those that do not', async () => {
  const all = await run('-f', EXAMPLE, '--node', 'node-1', '--backend', 'vxlan');
  for (const part of ['fabric  link pwf.vxlan', 'policy  ', 'services  cluster IP'])
    assert.ok(all.text.includes(`node-1  ${part}`), `${part} in ${all.text}`);
  const dns = await run('dns', '-f', EXAMPLE);
  assert.deepEqual(
    [dns.code, /room "dns" cannot be planned without its agent; choose one of: fabric/.test(dns.text)],
    [2, true],
  );
  const nowhere = await run('services', '-f', EXAMPLE, '--node', 'node-9');
  assert.deepEqual(
    [nowhere.code, /there is no node "node-9"; choose one of: node-1, node-2, node-3/.test(nowhere.text)],
    [2, true],
  );
});

test('the plan the README shows is that of its command', async () => {
  const readme = readFileSync(path.resolve(import.meta.dirname, '../README.md'), 'utf8');
  const [, shown] =
    /\$ podwire plan services -f examples\/hello\.yaml --node node-1\n([\s\S]*?)\n```/.exec(readme) ?? [];
  assert.equal((await run('services', '-f', EXAMPLE, '--node', 'node-1')).text, shown);
});
