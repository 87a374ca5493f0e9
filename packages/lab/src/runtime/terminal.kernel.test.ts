import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExecSession } from '@podwire/kube';
import { isReady, startNode } from './node.fixture.ts';

const SHELL = { name: 'shell', image: 'busybox:1.36' };

/** Types into a session and waits for what it shows. */
function screenOf({ stdin, stdout }: ExecSession) {
  let shown = '';
  stdout.on('data', (chunk) => (shown += chunk));
  return async (typed: string, wanted: RegExp): Promise<void> => {
    const from = shown.length;
    stdin.write(typed);
    const deadline = performance.now() + 120_000;
    while (!wanted.test(shown.slice(from))) {
      if (performance.now() > deadline) throw new Error(`${wanted} is not in ${JSON.stringify(shown.slice(from))}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
}

test('a terminal: echo, size, Ctrl-C, job control, exit code; attach to one', { timeout: 600_000 }, async (t) => {
  const node = await startNode(t);
  const commands = [{ ...SHELL, command: ['sleep', '600'] }];
  const console_ = [
    { ...SHELL, tty: true, stdin: true, command: ['sh', '-c', 'while read l; do echo "got $l"; done'] },
  ];
  await node.run('plain', { containers: commands });
  await node.run('console', { containers: console_ });
  const [plain, console] = await Promise.all([node.until('plain', isReady), node.until('console', isReady)]);
  const reference = ({ metadata }: typeof plain) => ({
    namespace: 'default',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
  });
  const options = { container: 'shell', tty: true, stdin: true };

  const shell = await node.streams.exec(reference(plain), { ...options, command: ['sh'] });
  const screen = screenOf(shell);
  shell.resize(101, 37);
  await screen('stty size; echo "$TERM"\n', /37 101\r\nxterm\r\n/);
  await screen('echo begun; sleep 600\n', /begun\r\n/);
  await screen('\x03', /\^C/);
  shell.resize(55, 22);
  await screen('stty size\n', /22 55\r\n/);
  await screen('exit 7\n', /exit 7/);
  assert.equal(await shell.exit, 7);

  const attached = await node.streams.attach(reference(console), options);
  await screenOf(attached)('hello\n', /hello\r\ngot hello\r\n/);
  attached.kill();
  const again = await node.streams.attach(reference(console), options);
  await screenOf(again)('once more\n', /got once more\r\n/);
  again.kill();
});
