/** One worker of the soak: a namespace of its own, netlink and nftables in it, a datagram and a connection through it. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { bindUdp, connectTcp, createAnonymousNetns, enterNetns, listenTcp } from '../packages/kernel/src/index.ts';
import { openNet } from '../packages/net/src/index.ts';
import { openNft } from '../packages/nft/src/index.ts';

const netns = createAnonymousNetns();
enterNetns(netns);
const net = openNet();
const nft = openNft();
if (net.links().length === 0 || nft.tables().length !== 0) throw new Error('the namespace is not fresh');

const server = await listenTcp({ address: '127.0.0.1', port: 80 });
server.on('connection', (socket) => socket.end('hello'));
const socket = await connectTcp({ address: '127.0.0.1', port: 80 });
let answer = '';
for await (const chunk of socket) answer += chunk;
const udp = await bindUdp({ address: '127.0.0.1', port: 53 });
const datagram = once(udp, 'message');
udp.send('hello', 53, '127.0.0.1');
if (answer !== 'hello' || String((await datagram)[0]) !== 'hello') throw new Error('the answer is wrong');

udp.close();
server.close();
nft.close();
net.close();
netns.close();
parentPort?.postMessage('ready');
if ((workerData as { stay: boolean }).stay) setInterval(() => {}, 60_000);
else parentPort?.close();
