import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cniRequest } from './client.ts';
import { CONFLIST_NAME, formatConflist, removeConflist, writeConflist } from './conflist.ts';
import type { CniRequest } from './frame.ts';
import { decodeFrame, encodeFrame, MAX_FRAME } from './frame.ts';
import type { CniAnswer } from './result.ts';
import { serveCni } from './server.ts';
import { buildShim } from './shim.ts';

const TRICKY = 'quote " backslash \\ tab \t newline \n bell \u0007 ünï 日本 🚀 </script>';
let directory = '';
let path = '';
let server: Awaited<ReturnType<typeof serveCni>>;
const seen: CniRequest[] = [];
const answer = async (request: CniRequest): Promise<CniAnswer> => {
  seen.push(request);
  if (request.env.CNI_COMMAND === 'DEL') throw new Error('broken');
  return {
    stdout: `${request.stdin}|${request.env.CNI_ARGS ?? ''}\n`,
    exitCode: request.env.CNI_COMMAND === 'ADD' ? 0 : 7,
  };
};
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'podwire-shim-'));
  path = join(directory, 'cni.sock');
  server = await serveCni(path, answer);
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

function runBinary(binary: string, env: Record<string, string>, stdin: string): Promise<CniAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part) => parts.push(part));
    child
      .on('error', reject)
      .on('close', (code) => resolve({ stdout: Buffer.concat(parts).toString(), exitCode: code ?? -1 }));
    child.stdin.end(stdin);
  });
}

describe('shim', () => {
  for (const [kind, compilers] of [
    ['c', undefined],
    ['node', []],
  ] as const) {
    test(`as ${kind} carries environment, stdin, stdout and exit code`, async () => {
      const bin = join(directory, kind);
      assert.equal(await buildShim(bin, { socketPath: path, ...(compilers && { compilers }) }), kind);
      const shim = join(bin, 'podwire-cni');
      const big = `${TRICKY}${'x'.repeat(300_000)}`;
      const env = { CNI_COMMAND: 'ADD', CNI_ARGS: TRICKY, SECRET: 'not sent' };
      assert.deepEqual(await runBinary(shim, env, big), { stdout: `${big}|${TRICKY}\n`, exitCode: 0 });
      assert.deepEqual(seen.at(-1), { env: { CNI_COMMAND: 'ADD', CNI_ARGS: TRICKY }, stdin: big });
      assert.equal((await runBinary(shim, { CNI_COMMAND: 'CHECK' }, '')).exitCode, 7);
    });

    test(`as ${kind} says try again when the agent is away`, async () => {
      const shim = join(directory, kind, 'podwire-cni');
      for (const [CNI_COMMAND, code] of [
        ['ADD', 11],
        ['STATUS', 50],
      ] as const) {
        const { stdout, exitCode } = await runBinary(
          shim,
          { CNI_COMMAND, PODWIRE_CNI_SOCKET: join(directory, 'none') },
          '{}',
        );
        assert.deepEqual([exitCode, JSON.parse(stdout).code], [1, code]);
      }
    });
  }
});

test('builders at once do not disturb each other, and leave nothing but the binary', async () => {
  const bin = join(directory, 'shared');
  const kinds = await Promise.all([buildShim(bin), buildShim(bin)]);
  assert.equal(new Set(kinds).size, 1);
  assert.deepEqual(
    readdirSync(bin).filter((name) => name !== 'podwire-cni.mjs'),
    ['podwire-cni'],
  );
});

describe('socket', () => {
  test('is for root only, and serves one request a connection', async () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const env = { CNI_COMMAND: 'ADD', PATH: '/bin' };
    assert.deepEqual(await cniRequest(path, env, 'in'), { stdout: 'in|\n', exitCode: 0 });
    assert.deepEqual(seen.at(-1)?.env, { CNI_COMMAND: 'ADD' });
  });

  test('turns a crash into an error object', async () => {
    const { stdout, exitCode } = await cniRequest(path, { CNI_COMMAND: 'DEL' }, '');
    assert.deepEqual([exitCode, JSON.parse(stdout).code, JSON.parse(stdout).msg], [1, 104, 'broken']);
  });

  test('refuses what is no request, and stays up', async () => {
    const tooLong = Buffer.alloc(4);
    tooLong.writeUInt32BE(MAX_FRAME + 1);
    for (const bytes of [
      tooLong,
      Buffer.from('\0\0\0\x03{{{'),
      encodeFrame({ env: { A: 1 }, stdin: '' }),
      encodeFrame(null),
    ]) {
      const frame = await new Promise<unknown>((resolve, reject) => {
        const socket = connect(path, () => socket.write(bytes));
        socket.on('data', (data) => resolve(decodeFrame(data))).on('error', reject);
      });
      const { message } = frame as { message: CniAnswer };
      assert.equal(JSON.parse(message.stdout).code, 6);
    }
    assert.equal((await cniRequest(path, { CNI_COMMAND: 'ADD' }, '')).exitCode, 0);
  });

  test('of a living process is not taken, of a dead one it is', async () => {
    await assert.rejects(serveCni(path, answer), { code: 'PODS_SOCKET_IN_USE' });
    await assert.rejects(cniRequest(join(directory, 'none'), {}, ''), { code: 'PODS_TRY_LATER' });
    const stale = join(directory, 'stale.sock');
    writeFileSync(stale, '');
    const second = await serveCni(stale, answer);
    assert.equal((await cniRequest(stale, { CNI_COMMAND: 'ADD' }, 'x')).stdout, 'x|\n');
    await second.close();
  });
});

test('the conflist names the binary and its capabilities, and goes away once', () => {
  writeConflist(join(directory, 'net.d'));
  assert.deepEqual(JSON.parse(formatConflist()), {
    cniVersion: '1.1.0',
    name: 'podwire',
    plugins: [{ type: 'podwire-cni', capabilities: { portMappings: true, ips: true } }],
  });
  assert.equal(CONFLIST_NAME, '10-podwire.conflist');
  assert.deepEqual([removeConflist(join(directory, 'net.d')), removeConflist(join(directory, 'net.d'))], [true, false]);
});
