import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PodwireError } from '@podwire/base';
import { bindUdp } from '@podwire/kernel';
import { ADDRESS, ADDRESS6, type Answer, type Place, type World } from '../world.fixture.ts';

/** One or more new connections from a place to an address, and what is expected of them. */
export interface Probe {
  readonly from: Place;
  readonly to: readonly [address: string, port: number];
  readonly protocol?: 'tcp' | 'udp';
  /** Connections; default 1. */
  readonly times?: number;
  /** How it fails: refused at once, or no answer. */
  readonly fails?: 'refused' | 'silence';
  /** Exactly these answer; without a port: any of its ports. */
  readonly servers?: readonly string[];
  /** Nobody else answers, and each of the given sees one of these sources. */
  readonly sourceAt?: Readonly<Record<string, string>>;
  /** Exactly these are the sources seen. */
  readonly sources?: readonly string[];
  /** Each of `servers` has at least so many of the connections. */
  readonly least?: number;
}

/** A refusal that takes longer is no refusal at once, in ms. */
const AT_ONCE = 100;
const PATIENCE = 300;

export async function probe(world: World, one: Probe): Promise<void> {
  const what = `${one.protocol ?? 'tcp'} from ${one.from} to ${one.to.join(' ')}`;
  if (one.fails) {
    assert.equal(await failure(world, one), one.fails, what);
    return;
  }
  const answers: Answer[] = [];
  for (let i = 0; i < (one.times ?? 1); i++) answers.push(await answer(world, one));
  const counts = Object.entries(tally(answers));
  if (one.servers) assert.deepEqual(counts.map(([server]) => server).sort(), [...one.servers].sort(), what);
  if (one.least) assert.ok(Math.min(...counts.map(([, count]) => count)) >= one.least, `${what}: ${counts.join('; ')}`);
  const kept = keptSource(world, one);
  if (one.sources) assert.deepEqual(sources(answers), kept ? [kept] : [...one.sources].sort(), what);
  for (const { server, source } of one.sourceAt ? answers : [])
    assert.equal(source, kept ?? one.sourceAt?.[server.split(':')[0] ?? ''], `${what}, answered by ${server}`);
}

/** Mode ebpf translates no packet of the node's pods, so their source is never replaced. */
function keptSource(world: World, { from, to }: Probe): string | undefined {
  const pod = from === 'client' || from === 'near1' || from === 'near2';
  return world.room.mode === 'ebpf' && pod ? (to[0].includes(':') ? ADDRESS6 : ADDRESS)[from] : undefined;
}

/** How a connection fails: `refused` within 100 ms, `silence` when nothing answers. */
export async function failure(world: World, one: Pick<Probe, 'from' | 'to' | 'protocol'>): Promise<string> {
  const started = performance.now();
  try {
    const { server } = await answer(world, one);
    return `answered by ${server}`;
  } catch (error) {
    const name = error instanceof PodwireError ? error.details.errnoName : (error as NodeJS.ErrnoException).code;
    if (name === 'ECONNREFUSED') return performance.now() - started < AT_ONCE ? 'refused' : 'refused late';
    return name === 'ETIMEDOUT' ? 'silence' : String(error);
  }
}

function answer(world: World, { from, to, protocol }: Pick<Probe, 'from' | 'to' | 'protocol'>): Promise<Answer> {
  const [address, port] = to;
  return protocol === 'udp' ? ask(world, from, address, port) : world.connect(from, address, port, PATIENCE);
}

/** One datagram and its answer; ECONNREFUSED by ICMP, ETIMEDOUT when nothing comes. */
async function ask(world: World, from: Place, address: string, port: number): Promise<Answer> {
  const v6 = address.includes(':');
  const own = from === 'distant' ? (v6 ? ADDRESS6 : ADDRESS).distant : v6 ? '::' : '0.0.0.0';
  const socket = await bindUdp({ netns: world.netns[from], address: own, port: 0 });
  try {
    await new Promise<void>((resolve) => socket.connect(port, address, resolve));
    const received = once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE) });
    // where the packet is made, the filter's verdict is the sender's error as well
    socket.send('?', () => {});
    const [data] = await received.catch((error: Error) => {
      throw error.name === 'AbortError' ? Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }) : error;
    });
    return JSON.parse(String(data));
  } finally {
    socket.close();
  }
}

export const tally = (answers: readonly Answer[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(answers, ({ server }) => server)].map(([server, all]) => [server, all.length]));
export const sources = (answers: readonly Answer[]): string[] =>
  [...new Set(answers.map(({ source }) => source))].sort();
