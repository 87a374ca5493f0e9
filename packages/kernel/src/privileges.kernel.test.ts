import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { withNetns } from './testing.ts';

const POWERLESS = ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all'];
const PROGRAM = path.join(import.meta.dirname, 'privileges.fixture.ts');

async function run(prefix: readonly string[]): Promise<Record<string, string>> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM];
  const [command = '', ...args] = [...prefix, ...node];
  const { stdout } = await promisify(execFile)(command, args);
  return JSON.parse(stdout) as Record<string, string>;
}

test('without capabilities, reading works and every refusal names the capability that is missing', async () => {
  await withNetns(1, async ({ path: netns }) => {
    const {
      list,
      link,
      netns: anonymous,
      namedNetns,
      packet,
      port,
    } = await run(['nsenter', `--net=${netns}`, ...POWERLESS]);
    assert.equal(list, 'ok');
    assert.match(link ?? '', /^KERNEL_PERMISSION create br0: .*\(EPERM\).* CAP_NET_ADMIN$/);
    assert.match(anonymous ?? '', /^KERNEL_PERMISSION unshare .*\(EPERM\).* CAP_SYS_ADMIN$/);
    assert.match(namedNetns ?? '', /^KERNEL_PERMISSION unshare .*\(EPERM\).* CAP_SYS_ADMIN$/);
    assert.match(packet ?? '', /^KERNEL_PERMISSION .*\(EPERM\).* CAP_NET_RAW$/);
    assert.match(port ?? '', /^KERNEL_PERMISSION bind 127.0.0.1:80: .*\(EACCES\).* CAP_NET_BIND_SERVICE$/);
  });
});

test('an ordinary user is told the capability that a named namespace takes', async () => {
  const { netns, namedNetns } = await run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']);
  assert.match(netns ?? '', /^KERNEL_PERMISSION unshare .*\(EPERM\).* CAP_SYS_ADMIN$/);
  assert.match(namedNetns ?? '', /^KERNEL_PERMISSION make the mount point .*\(EACCES\).* CAP_SYS_ADMIN/);
});

test('a user without capabilities can do everything inside a user namespace of its own', async () => {
  // mapping uid 0 takes CAP_SETFCAP (user_namespaces(7)); an ordinary user maps its own uid without any
  const mapper = ['setpriv', '--bounding-set', '-all,+setfcap', '--inh-caps', '-all'];
  const own = [...mapper, 'unshare', '--user', '--map-root-user', '--net', '--mount'];
  const results = await run([...own, 'sh', '-c', 'mount -t tmpfs run /run && ip link set lo up && exec "$@"', 'sh']);
  assert.deepEqual(results, { list: 'ok', link: 'ok', netns: 'ok', namedNetns: 'ok', packet: 'ok', port: 'ok' });
});
