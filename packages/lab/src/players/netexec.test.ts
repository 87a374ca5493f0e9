import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerNetexec, answerNetexecDatagram, type DialRequest, type NetexecAnswer } from './netexec.ts';

const logged: string[] = [];
const dialled: DialRequest[] = [];

function ask(url: string): Promise<NetexecAnswer> {
  logged.length = 0;
  dialled.length = 0;
  return answerNetexec(
    { url, client: '10.1.2.3:4', header: (name) => (name === 'x-a' ? 'value' : undefined) },
    {
      hostname: 'web-1',
      now: () => new Date(0),
      log: (line) => void logged.push(line),
      shell: async (command) => (command === 'false' ? { output: '', error: 'exit status 1' } : { output: 'ran' }),
      dial: async (request) => {
        dialled.push(request);
        if (dialled.length === 2) throw new Error('refused');
        return 'web-2';
      },
    },
  );
}

const body = async (url: string): Promise<string> => (await ask(url)).body;

test('the simple endpoints', async () => {
  assert.equal(await body('/hostname'), 'web-1');
  assert.deepEqual(logged, ['GET /hostname']);
  assert.equal(await body('/hostName'), 'web-1');
  assert.equal(await body('/clientip'), '10.1.2.3:4');
  assert.equal(await body('/header?key=x-a'), 'value');
  assert.equal(await body('/any/path'), 'NOW: 1970-01-01T00:00:00.000Z');
  assert.deepEqual(await ask('/healthz'), { status: 200, body: '' });
  assert.deepEqual(await ask('/echo?msg=a%20b&code=503'), { status: 503, body: 'a b' });
  assert.equal((await ask('/echo?msg=x&code=99')).status, 200);
});

test('redirect cannot write a header of its own', async () => {
  const { status, headers } = await ask('/redirect?location=/a%0d%0aSet-Cookie:x&code=307');
  assert.equal(status, 307);
  assert.equal(headers?.location, '/a%0D%0ASet-Cookie:x');
  assert.equal((await ask('/redirect?location=/echo%3Fmsg=x')).headers?.location, '/echo?msg=x');
});

test('exit and shutdown end the container', async () => {
  assert.deepEqual((await ask('/exit?code=3&wait=2s')).exit, { code: 3, after: 2000 });
  assert.deepEqual((await ask('/shutdown')).exit, { code: 0, after: 0 });
  assert.equal((await ask('/exit?code=300')).exit, undefined);
  assert.equal((await ask('/exit?wait=x')).exit, undefined);
});

test('shell answers JSON', async () => {
  assert.equal(await body('/shell?cmd=true'), '{"output":"ran"}');
  assert.equal(await body('/shell?shellCommand=false'), '{"error":"exit status 1"}');
});

test('dial counts answers and errors', async () => {
  assert.equal(
    await body('/dial?host=h&port=80&request=hostname&tries=3'),
    '{"errors":["refused"],"responses":["web-2","web-2"]}',
  );
  assert.deepEqual(dialled[0], { protocol: 'http', host: 'h', port: 80, request: 'hostname' });
  assert.equal((await ask('/dial?host=h&port=80')).status, 400);
  assert.equal((await ask('/dial?host=h&port=80&request=x&protocol=sctp')).status, 400);
  assert.equal((await ask('/dial?host=h&port=80&request=x&tries=1e9')).status, 400);
  assert.equal(dialled.length, 0);
});

test('datagrams', () => {
  assert.equal(answerNetexecDatagram('hostname\n', 'c', 'web-1'), 'web-1');
  assert.equal(answerNetexecDatagram('echo Hello', 'c', 'web-1'), 'hello');
  assert.equal(answerNetexecDatagram('clientip', '10.0.0.1:5', 'web-1'), '10.0.0.1:5');
  assert.equal(answerNetexecDatagram('', 'c', 'web-1'), undefined);
});

test('every url gets an answer with a status HTTP knows', async () => {
  const paths = fc.constantFrom('/echo', '/redirect', '/exit', '/dial', '/shell', '/header', '');
  await fc.assert(
    fc.asyncProperty(paths, fc.string(), async (path, query) => {
      const { status } = await ask(`${path}?${query}`);
      return status >= 200 && status <= 999;
    }),
  );
});
