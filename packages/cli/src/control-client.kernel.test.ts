/** The control sockets are in /run/podwire, where only root writes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { type TestContext, test } from 'node:test';
import { hasCode } from '@podwire/base';
import { labPaths } from '@podwire/lab';
import { runChecks } from './check.ts';
import { askDaemon, streamDaemon } from './control-client.ts';

const ROW = '{"name":"one","ok":true,"detail":"","ms":1}\n';

/** A lab whose daemon is this process and answers as told. */
async function served(t: TestContext, answer: http.RequestListener): Promise<string> {
  const lab = `k${randomBytes(3).toString('hex')}`;
  const { run, controlSocket, pidFile } = labPaths(lab);
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const startTime = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ')[19];
  writeFileSync(pidFile, `${process.pid} ${startTime}\n`);
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(controlSocket, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(run, { recursive: true, force: true });
  });
  return lab;
}

const refusedAs = (code: string, message: RegExp) => (error: Error) =>
  hasCode(error, code) && message.test(error.message);

const STREAMS: readonly (readonly [what: string, answer: http.RequestListener, message: RegExp])[] = [
  ['a refusal', (_, r) => r.writeHead(409).end('{"error":"a check is running already"}\n'), /check is running already/],
  ['a failure', (_, r) => r.writeHead(500).end('{"error":"no fixture"}\n'), /no fixture/],
  ['an error as the last line', (_, r) => r.end(`${ROW}{"error":"no fixture"}\n`), /no fixture/],
  ['an unfinished line', (_, r) => r.end(`${ROW}{"name":"tw`), /broke off/],
  [
    'a lost connection',
    (_, r) => {
      r.write(ROW);
      setTimeout(() => r.destroy(), 20);
    },
    /broke off/,
  ],
];

for (const [what, answer, message] of STREAMS) {
  test(`a stream with ${what} throws`, async (t) => {
    const lab = await served(t, answer);
    await assert.rejects(
      async () => {
        for await (const row of streamDaemon(lab, '/check', 'POST')) assert.ok(row);
      },
      refusedAs('CLI_DAEMON', message),
    );
  });
}

test('a check of no rows has not passed, one with rows gives them', async (t) => {
  let body = '';
  const lab = await served(t, (_, response) => response.end(body));
  await assert.rejects(
    runChecks(lab, () => {}),
    refusedAs('CLI_CHECK', /proved nothing/),
  );
  body = ROW;
  const shown: string[] = [];
  assert.equal((await runChecks(lab, ({ name }) => shown.push(name))).length, 1);
  assert.deepEqual(shown, ['one']);
});

test('a question: not found is a usage error, silence ends after the deadline', async (t) => {
  const lab = await served(t, (request, response) => {
    if (request.url === '/plan') response.writeHead(404).end('{"error":"there is no room"}\n');
    if (request.url === '/half') response.write('{');
  });
  await assert.rejects(askDaemon(lab, '/plan'), refusedAs('CLI_USAGE', /there is no room/));
  for (const path of ['/idle', '/half'])
    await assert.rejects(askDaemon(lab, path, 0.1), refusedAs('CLI_NOT_READY', /did not answer .* within 0.1 s/));
});
