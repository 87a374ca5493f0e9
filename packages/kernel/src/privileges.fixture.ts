/** Tries what needs capabilities and prints, as JSON, what became of each: `ok`, or code and message. */
import { messageOf, PodwireError } from '@podwire/base';
import { attributes } from './netlink/attribute.ts';
import { pad, struct, text } from './netlink/codec.ts';
import { openNetlink } from './netlink/netlink.ts';
import { encodeBody, NLM_F } from './netlink/netlink-message.ts';
import { createAnonymousNetns, createNetns, deleteNetns } from './netns/netns.ts';
import { openPacketSocket } from './socket/packet-socket.ts';
import { listenTcp } from './socket/tcp-listener.ts';

const header = struct('ifinfomsg', { _1: pad(16) });
const info = attributes('info', { kind: [1, text] });
const link = attributes('link', { name: [3, text], info: [18, info] });
const body = encodeBody(header, {}, link, { name: 'br0', info: { kind: 'bridge' } });

const attempts: Readonly<Record<string, () => unknown>> = {
  list: () => openNetlink('route').dump({ type: 18, flags: 0, body: Buffer.alloc(16) }),
  link: () => openNetlink('route').request({ type: 16, flags: NLM_F.CREATE, body, op: 'create br0' }),
  netns: () => createAnonymousNetns().close(),
  namedNetns() {
    createNetns(`pwt-unprivileged-${process.pid}`).close();
    deleteNetns(`pwt-unprivileged-${process.pid}`);
  },
  packet: () => openPacketSocket({ link: 'lo' }).close(),
  port: async () => (await listenTcp({ address: '127.0.0.1', port: 80 })).close(),
};

const results: Record<string, string> = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    await attempt();
    results[name] = 'ok';
  } catch (error) {
    results[name] = `${error instanceof PodwireError ? error.code : 'unexpected'} ${messageOf(error)}`;
  }
}
console.log(JSON.stringify(results));
