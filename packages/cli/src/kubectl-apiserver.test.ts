import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';

const PROGRAM = path.join(import.meta.dirname, '../bin/podwire.ts');

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-cli-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `podwire apiserver` as a process. */
class ServerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  /** `shell` is run before it in the same process. */
  constructor(t: TestContext, directory: string, args: readonly string[], shell = ':') {
    const env = { ...process.env, HOME: directory, XDG_STATE_HOME: '', TMPDIR: directory, NODE_COMPILE_CACHE: '' };
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, 'apiserver', ...args];
    this.child = spawn('sh', ['-c', `${shell}; exec "$@"`, 'sh', ...command], { env });
    this.child.stdout?.on('data', (chunk) => {
      this.#stdout += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.#stderr += chunk;
    });
    this.ended = once(this.child, 'close').then(([code]) => this.#so(code));
    t.after(() => this.child.kill('SIGKILL'));
  }

  /** The words of the kubectl line it prints when it is ready. */
  async ready(): Promise<readonly string[]> {
    const gone = this.ended.then((so) => assert.fail(`it ended: ${JSON.stringify(so)}`));
    for (;;) {
      const line = /^ {2}(kubectl .*)\n/m.exec(this.#stdout)?.[1];
      if (line) return line.split(' ');
      await Promise.race([once(this.child.stdout as NodeJS.ReadableStream, 'data'), gone]);
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGINT'): Promise<Ended> {
    this.child.kill(signal);
    return await this.ended;
  }

  #so(code: number | null): Ended {
    return { code, stdout: this.#stdout, stderr: this.#stderr };
  }
}

function run(command: string, args: readonly string[], home: string): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, HOME: home }, timeout: 400_000 };
    execFile(command, args, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** What kubectl and Node keep does not count. */
const left = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory)).filter((name) => name !== '.kube' && name !== 'node-compile-cache').sort();

const hasKubectl = (process.env.PATH ?? '')
  .split(path.delimiter)
  .some((folder) => existsSync(path.join(folder, 'kubectl')));

test('what kubectl writes is there after a stop and a start', {
  skip: hasKubectl ? false : 'no kubectl',
}, async (t) => {
  const home = await scratch(t);
  const first = new ServerProcess(t, home, ['--port', '0']);
  const [, ...words] = await first.ready();
  const kubectl = (...args: readonly string[]) => run('kubectl', [...words.slice(0, 2), ...args], home);
  assert.match((await run('kubectl', words, home)).stdout, /^kube-system +Active/m);
  assert.equal((await kubectl('create', 'configmap', 'a', '--from-literal=x=1')).stdout, 'configmap/a created\n');
  const again = await kubectl('create', 'configmap', 'a');
  assert.match(again.stderr, /configmaps "a" already exists/);
  const state = path.join(home, '.local/state/podwire/apiserver');
  assert.deepEqual((await readdir(state)).sort(), ['kubeconfig', 'pki', 'state']);
  assert.equal((await stat(path.join(state, 'kubeconfig'))).mode & 0o777, 0o600);
  const second = new ServerProcess(t, home, ['--port', '0']);
  const refused = await second.ended;
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^podwire: the state directory .* is in use by process \d+; stop it or choose another/);
  const { code, stdout, stderr } = await first.stop('SIGTERM');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /\nstopped\n$/);
  const third = new ServerProcess(t, home, ['--port', '0']);
  await third.ready();
  assert.equal((await kubectl('get', 'configmap', 'a', '-o', 'jsonpath={.data.x}')).stdout, '1');
  assert.equal((await third.stop('SIGINT')).code, 0);
});

test('a full disk: writes are refused with a Status, reads go on, and writes do when there is room', {
  skip: hasKubectl ? false : 'no kubectl',
}, async (t) => {
  const home = await scratch(t);
  // 192 blocks of 512 bytes for any file, of the soft limit: setrlimit(2).
  const server = new ServerProcess(t, home, ['--port', '0'], 'ulimit -S -f 192');
  const [, ...words] = await server.ready();
  const kubectl = (...args: readonly string[]) => run('kubectl', [...words.slice(0, 2), ...args], home);
  const create = (name: string) => kubectl('create', 'configmap', name, `--from-literal=x=${'x'.repeat(20_000)}`);
  const acknowledged: string[] = [];
  let refused: Ended | undefined;
  for (let i = 0; i < 10 && !refused; i++) {
    const ended = await create(`n${i}`);
    if (ended.code === 0) acknowledged.push(`configmap/n${i}`);
    else refused = ended;
  }
  assert.match(refused?.stderr ?? '', /the disk takes no more of the state \(EFBIG: .*; make room there/);
  const names = async () => (await kubectl('get', 'configmaps', '-o', 'name')).stdout.trim().split('\n').sort();
  assert.deepEqual(
    (await names()).filter((name) => name.includes('/n')),
    acknowledged,
  );
  await promisify(execFile)('prlimit', ['--pid', String(server.child.pid), '--fsize=unlimited:']);
  assert.equal((await create('n-after')).code, 0);
  assert.equal((await server.stop('SIGTERM')).code, 0);
  const again = new ServerProcess(t, home, ['--port', '0']);
  await again.ready();
  assert.deepEqual(
    (await names()).filter((name) => name.includes('/n')),
    ['configmap/n-after', ...acknowledged],
  );
});

test('with controllers a Deployment makes Pods', { skip: hasKubectl ? false : 'no kubectl' }, async (t) => {
  const home = await scratch(t);
  const server = new ServerProcess(t, home, ['--in-memory', '--with-controllers', '--port', '0']);
  const [, ...words] = await server.ready();
  const kubectl = (...args: readonly string[]) => run('kubectl', [...words.slice(0, 2), ...args], home);
  assert.equal((await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=2')).code, 0);
  const waited = await kubectl('wait', 'deployment/web', '--for=jsonpath={.status.replicas}=2', '--timeout=300s');
  assert.equal(waited.code, 0, waited.stderr);
  assert.equal((await kubectl('get', 'pods', '-o', 'name')).stdout.trim().split('\n').length, 2);
  assert.equal((await server.stop('SIGTERM')).code, 0);
  assert.deepEqual(await left(home), [], 'a server in memory left something behind');
});

test('what waits for an etcd that does not answer can be ended', async (t) => {
  const home = await scratch(t);
  const silent = net.createServer((socket) => t.after(() => socket.destroy())).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const etcd = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const server = new ServerProcess(t, home, ['--in-memory', '--port', '0', '--etcd-servers', etcd]);
  await once(silent, 'connection');
  const { code, stderr } = await server.stop('SIGTERM');
  assert.deepEqual([code, stderr], [130, 'podwire: interrupted before the server was ready\n']);
  assert.deepEqual(await left(home), []);
});

test('what cannot be done is said in one line, and nothing is left behind', async (t) => {
  const home = await scratch(t);
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const file = path.join(home, 'file');
  await writeFile(file, 'a');
  const foreign = path.join(home, 'foreign');
  await writeFile(foreign, 'clusters: [{name: production}]\n');
  const cases: [args: readonly string[], code: number, words: RegExp][] = [
    [
      ['--in-memory', '--port', String((taken.address() as AddressInfo).port)],
      1,
      /127\.0\.0\.1:\d+: the port is in use/,
    ],
    [['--in-memory', '--listen', '192.0.2.1', '--port', '0'], 1, /this machine does not have the address/],
    [['--data-dir', path.join(file, 'x'), '--port', '0'], 1, /a part of the path is a file; choose another one/],
    [['--data-dir', '/proc/podwire', '--port', '0'], 1, /^podwire: cannot use \/proc\/podwire: \/proc takes no/],
    [['--in-memory', '--port', '0', '--kubeconfig', foreign], 1, /is a kubeconfig of production; name another file/],
    [['--in-memory', '--service-cidr', '10.96.0.1/99'], 2, /serviceCidrs\.0: not an address prefix; write/],
    [['--in-memory', '--port', '99999'], 2, /Write a number from 0 to 65535/],
    [['--in-memory', '--data-dir', home], 2, /cannot be used with option '--data-dir/],
    [['--in-memory', '--etcd-cafile', file], 2, /--etcd-cafile does nothing without --etcd-servers/],
    [['--in-memory', '--etcd-servers', 'foo'], 2, /Write them like http:/],
    [['--in-memory', 'extra'], 2, /too many arguments/],
  ];
  for (const [args, code, words] of cases) {
    const ended = await new ServerProcess(t, home, args).ended;
    assert.match(ended.stderr, words);
    assert.deepEqual([ended.code, ended.stdout], [code, ''], args.join(' '));
  }
  assert.equal(await readFile(foreign, 'utf8'), 'clusters: [{name: production}]\n');
  assert.deepEqual(await left(home), ['file', 'foreign']);
});
