/** Watches pods, Leases, Services and nodes over one HTTP/2 connection, and measures how old events are when they arrive. */
import http2 from 'node:http2';
import net from 'node:net';

export interface Deliveries {
  readonly events: number;
  readonly p50: number;
  readonly p99: number;
}

const PATHS = ['/api/v1/pods', '/api/v1/nodes', '/api/v1/services', '/apis/coordination.k8s.io/v1/leases'];
const MESSAGE = '"message":"';
const [socketPath = ''] = process.argv.slice(2);
/** As client-go has them, about: 4 MiB a stream, and a connection that does not get in the way. */
const WINDOW = 4 * 1024 * 1024;
const session = http2.connect('http://localhost', {
  createConnection: () => net.connect(socketPath),
  settings: { initialWindowSize: WINDOW },
});
session.once('connect', () => session.setLocalWindowSize(4 * WINDOW));
let events = 0;
let late: number[] = [];

/** Only the time in it is read: this measures the server and not a client's JSON.parse. */
function take(line: string): void {
  events++;
  const at = line.indexOf(MESSAGE);
  if (at < 0) return;
  const from = at + MESSAGE.length;
  const written = Number(line.slice(from, line.indexOf('"', from)));
  late.push(performance.timeOrigin + performance.now() - written);
}

async function revisionOf(path: string): Promise<string> {
  const stream = session.request({ ':path': `${path}?limit=1` });
  let text = '';
  for await (const chunk of stream) text += chunk;
  return (JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
}

async function watch(path: string): Promise<void> {
  const stream = session.request({ ':path': `${path}?watch=true&resourceVersion=${await revisionOf(path)}` });
  let rest = '';
  stream.setEncoding('latin1');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  stream.on('close', () => process.exit(1));
}

process.on('message', (message) => {
  if (message === 'reset') [events, late] = [0, []];
  else {
    late.sort((a, b) => a - b);
    const at = (share: number): number => late[Math.floor(late.length * share)] ?? Number.NaN;
    process.send?.({ events, p50: at(0.5), p99: at(0.99) } satisfies Deliveries);
  }
});
process.on('disconnect', () => process.exit());
await Promise.all(PATHS.map(watch));
process.send?.('watching');
