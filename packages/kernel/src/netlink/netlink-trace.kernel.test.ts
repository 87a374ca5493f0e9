import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { spawnIn } from '../netns/namespaced-child.ts';
import { withNetns } from '../testing.ts';
import { attributes, encodeAttributes } from './attribute.ts';
import { ByteWriter } from './byte-writer.ts';
import { text, u32be } from './codec.ts';
import { writeMessage } from './netlink-message.ts';
import { formatDatagram } from './netlink-trace.ts';

const NEW_TABLE = 0xa00;
const NEW_CHAIN = 0xa03;
const table = attributes('table', { name: [1, text], flags: [2, u32be] });
const hook = attributes('hook', { number: [1, u32be], priority: [2, u32be] });
const chain = attributes('chain', { table: [1, text], name: [3, text], type: [7, text], hook: [4, hook] });

test('a trace is what nft --debug=mnl prints for the same messages', async () => {
  await withNetns(1, ({ path }) => {
    const input = 'add table ip foo\nadd chain ip foo entry { type filter hook input priority 10; }\n';
    const output = execFileSync('nsenter', [`--net=${path}`, 'nft', '--debug=mnl', '-f', '-'], { input }).toString();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    const plain = output.replace(/\x1b\[[\d;]*m/g, '');
    const out = new ByteWriter();
    const nfgenmsg = Buffer.from([2, 0, 0, 0]);
    const message = (type: number, flags: number, body: Buffer) => ({
      type,
      flags,
      body: Buffer.concat([nfgenmsg, body]),
    });
    const ours = [
      { ...message(NEW_TABLE, 0, encodeAttributes(table, { name: 'foo', flags: 0 })), sequence: 1 },
      {
        ...message(
          NEW_CHAIN,
          0,
          encodeAttributes(chain, { table: 'foo', name: 'entry', type: 'filter', hook: { number: 1, priority: 10 } }),
        ),
        sequence: 2,
      },
    ];
    for (const { sequence, ...m } of ours) writeMessage(out, m, { sequence, flags: 0 });
    const text = formatDatagram('netfilter', out.finish());
    assert.ok(plain.includes(text), `nft printed\n${plain}\nwe printed\n${text}`);
  });
});

test('NETLINK_TRACE=1 prints what is sent and received', async () => {
  await withNetns(1, async (netns) => {
    const code = `
      import { openNetlink } from ${JSON.stringify(new URL('./netlink.ts', import.meta.url).href)};
      openNetlink('route').dump({ type: 18, flags: 0, body: Buffer.alloc(16) });`;
    const run = async (environment: NodeJS.ProcessEnv) => {
      const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
      const child = spawnIn({ netns }, process.execPath, flags, { env: { ...process.env, ...environment } });
      const [chunks] = await Promise.all([
        child.stderr?.toArray(),
        new Promise((resolve) => child.on('exit', resolve)),
      ]);
      return Buffer.concat((chunks ?? []) as Buffer[]).toString();
    };
    const trace = await run({ NETLINK_TRACE: '1' });
    assert.match(trace, /netlink route send\n-+\t-+\n\| {2}0{8}32 {2}\|\t\| message length \|\n\| 00018 \| R--- \|/);
    assert.match(trace, /netlink route receive/);
    assert.match(trace, /\| 6c 6f 00 00 {2}\|\t\| {6}data {6}\|\t l o/);
    assert.equal(await run({ NETLINK_TRACE: '0' }), '');
  });
});

test('NETLINK_TRACE=1 shows no keys', async () => {
  await withNetns(1, async (netns) => {
    const file = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
    const code = `
      import { openNetlink } from ${file('./netlink.ts')};
      import { createXfrmState } from ${file('../xfrm/xfrm-state.ts')};
      const ends = { source: '192.0.2.1', destination: '192.0.2.2', spi: 256 };
      const aead = { name: 'rfc4106(gcm(aes))', key: Buffer.alloc(20, 0xa1), icvBits: 128 };
      // kernels without ESP refuse it, but it was sent
      try { createXfrmState(openNetlink('xfrm'), { ...ends, protocol: 'esp', mode: 'tunnel', aead }); } catch {}`;
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
    const child = spawnIn({ netns }, process.execPath, flags, { env: { ...process.env, NETLINK_TRACE: '1' } });
    const trace = Buffer.concat(((await child.stderr?.toArray()) ?? []) as Buffer[]).toString();
    assert.match(trace, /netlink xfrm send\n/);
    assert.match(trace, /netlink xfrm receive\n/);
    assert.match(trace, /g c m \(/);
    assert.match(trace, /\*\* \*\* \*\* \*\*/);
    assert.doesNotMatch(trace, /a1 a1/);
  });
});

test('a trace that nobody reads fast enough, or at all, does not end the program', async () => {
  const code = `
    import { openNetlink } from ${JSON.stringify(new URL('./netlink.ts', import.meta.url).href)};
    const netlink = openNetlink('route');
    for (let i = 0; i < 40; i++) netlink.dump({ type: 18, flags: 0, body: Buffer.alloc(16) });
    console.log('done');`;
  // what a shell cannot: a pipe that does not block its writer
  const script = `
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, fcntl.fcntl(w, fcntl.F_GETFL) | os.O_NONBLOCK)
child = subprocess.Popen(sys.argv[2:], stderr=w, stdout=subprocess.PIPE)
os.close(w)
if sys.argv[1] == 'late':
    time.sleep(0.5)
    while os.read(r, 65536): pass
os.close(r)
sys.stdout.write(child.communicate()[0].decode())`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
  for (const reader of ['late', 'gone']) {
    const options = { env: { ...process.env, NETLINK_TRACE: '1' } };
    const output = execFileSync('python3', ['-c', script, reader, process.execPath, ...flags], options).toString();
    assert.equal(output, 'done\n', reader);
  }
});
