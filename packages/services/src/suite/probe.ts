import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PodwireError } from '@podwire/base';
import { bindUdp, connectTcp } from '@podwire/kernel';
import type { Balance } from '../model.ts';
import { askSctp } from '../sctp.fixture.ts';
import { ADDRESS, ADDRESS6, type Answer, type Place, type World } from '../world.fixture.ts';

/** One or more new connections from a place to an address, one after the other, and what is expected of them. */
export interface Probe {
  readonly from: Place;
  readonly to: Target;
  /** Further targets, taken in turn with `to`. */
  readonly alternately?: readonly Target[];
  readonly protocol?: 'tcp' | 'udp' | 'sctp';
  /**
   * Connections; default 1. Where nothing but `servers` is to be seen, fewer when all have answered, and more until they
   * have; more, too, until those that are to be spread are.
   */
  readonly times?: number;
  /** How it fails: refused at once, no answer, or a datagram that the sender's own kernel does not take. */
  readonly fails?: 'refused' | 'silence' | 'too long';
  /** Exactly these answer; without a port: any of its ports. */
  readonly servers?: readonly string[];
  /** By place: exactly these may answer (all of them do only when there are `times` enough), each sees this source. */
  readonly sourceAt?: Readonly<Partial<Record<string, string>>>;
  /** Exactly these are the sources seen. */
  readonly sources?: readonly string[];
  /** Shares of the connections by server. */
  readonly shares?: Readonly<Record<string, number>>;
  /** They have exactly their shares, not about. */
  readonly exact?: boolean;
  /** `together`: all come to the same server, whichever that is; `spread`: not all do. */
  readonly grouped?: 'together' | 'spread';
  /** Bytes that each connection sends and, by TCP, gets back. */
  readonly bytes?: number;
  /** At least so many different servers answer. */
  readonly distinct?: number;
  /** Whose proxy leads it to its endpoint; default node. */
  readonly by?: 'node' | 'node2';
  /** What is expected comes of this way to balance, which not every mode has. */
  readonly balance?: Balance;
}

export type Target = readonly [address: string, port: number];

/** How long nothing must come to be silence, in ms; less than the kernel waits before it sends a SYN again. */
const SILENCE = 400;
/** How long an answer or a refusal may take, in ms. */
const PATIENCE = 60_000;
/** One of three endpoints chosen at random has none of so many connections once in 10^17 times. */
const UNSEEN = 100;
/** A datagram that may be lost is sent again after so many ms. */
const AGAIN = 300;

/** Makes the connections of a probe; throws an AssertionError when something else happens than is expected. */
export async function probe(world: World, one: Probe): Promise<void> {
  const what = `${one.protocol ?? 'tcp'} from ${one.from} to ${one.to.join(' ')}`;
  if (one.fails) {
    for (let i = 0; i < (one.times ?? 1); i++) assert.equal(await failure(world, one), one.fails, what);
    return;
  }
  const targets = [one.to, ...(one.alternately ?? [])];
  const answers: Answer[] = [];
  for (let i = 0; i < timesOf(one) && !isSeen(one, answers); i++) {
    const to = targets[i % targets.length] ?? one.to;
    answers.push(await answer(world, { ...one, to }, PATIENCE).catch((error) => lost(error, what, i)));
  }
  judge(one, answers, what);
}

const timesOf = ({ times = 1, servers = [], shares, grouped }: Probe): number =>
  grouped === 'spread' || (servers.length > 1 && !shares && !grouped) ? Math.max(times, UNSEEN) : times;

/** Whether all that may answer have, and often enough that others would have too. */
function isSeen({ times = 1, servers, shares, grouped }: Probe, answers: readonly Answer[]): boolean {
  if (grouped === 'spread') return answers.length >= times && Object.keys(tally(answers)).length > 1;
  if (!servers || shares || grouped || answers.length < 3 * servers.length) return false;
  return new Set(answers.map(({ server }) => server)).size >= servers.length;
}

function lost(error: Error, what: string, i: number): never {
  throw new assert.AssertionError({ message: `${what}: connection ${i + 1} failed: ${error.message}` });
}

/** Whether answers are as expected; the number of connections is. */
function judge(one: Probe, answers: readonly Answer[], what: string): void {
  const counts = tally(answers);
  const servers = Object.keys(counts).sort();
  if (one.servers) assert.deepEqual(servers, [...one.servers].sort(), what);
  if (one.sources) assert.deepEqual(sources(answers), [...one.sources].sort(), what);
  for (const { server, source } of one.sourceAt ? answers : [])
    assert.equal(source, one.sourceAt?.[placeOf(server)], `${what}, answered by ${server}`);
  if (one.grouped)
    assert.equal(
      servers.length === 1,
      one.grouped === 'together',
      `${what}: ${answers.length} by ${servers.join(', ')}`,
    );
  if (one.distinct) assert.ok(servers.length >= one.distinct, `${what}: ${servers.length} different servers`);
  if (one.shares) judgeShares(one, counts, what);
}

/** Each server's share is its own within 7 standard deviations: by chance otherwise once in a thousand million times. */
function judgeShares({ shares = {}, exact }: Probe, counts: Record<string, number>, what: string): void {
  assert.deepEqual(Object.keys(counts).sort(), Object.keys(shares).sort(), what);
  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);
  const [all, whole] = [sum(Object.values(counts)), sum(Object.values(shares))];
  for (const [server, share] of Object.entries(shares)) {
    const p = share / whole;
    const off = Math.abs((counts[server] ?? 0) - all * p);
    const message = `${what}: ${server} has ${counts[server]} of ${all} connections, its share is ${share} of ${whole}`;
    assert.ok(off <= (exact ? 0 : 7 * Math.sqrt(all * p * (1 - p))), message);
  }
}

/** `near1:8080` and `crowd/10.244.4.1`: near1 and crowd. */
export const placeOf = (server: string): string => /^\w+/.exec(server)?.[0] ?? '';

type Failing = Pick<Probe, 'from' | 'to' | 'protocol' | 'fails'>;

/** How a connection fails: `refused` at once, `silence` when nothing answers, for which it has to be expected. */
export async function failure(world: World, one: Failing): Promise<string> {
  let outcome = await failureOf(world, one);
  // what is dropped is dropped again
  for (let i = 0; i < 2 && one.fails !== 'silence' && outcome === 'silence'; i++) outcome = await failureOf(world, one);
  return outcome;
}

async function failureOf(world: World, one: Failing): Promise<string> {
  try {
    // a refusal may be late on a machine that stands still
    const { server } = await answer(world, one, one.fails === 'silence' ? SILENCE : PATIENCE);
    return `answered by ${server}`;
  } catch (error) {
    const name = error instanceof PodwireError ? error.details.errnoName : (error as NodeJS.ErrnoException).code;
    if (name === 'ECONNREFUSED') return 'refused';
    if (name === 'EMSGSIZE') return 'too long';
    return name === 'ETIMEDOUT' ? 'silence' : String(error);
  }
}

type Connection = Pick<Probe, 'from' | 'to' | 'protocol' | 'bytes'>;

function answer(world: World, connection: Connection, timeout: number): Promise<Answer> {
  const { from, to, protocol = 'tcp', bytes } = connection;
  if (protocol === 'udp') return ask(world, connection, timeout);
  if (protocol === 'sctp') return askBySctp(world, connection, timeout);
  return bytes === undefined ? world.connect(from, ...to, timeout) : echo(world, connection, bytes);
}

/** The source of a place that has no namespace to itself. */
const localOf = ({ from, to }: Connection): string | undefined =>
  from === 'distant' ? (to[0].includes(':') ? ADDRESS6 : ADDRESS).distant : undefined;

/** A datagram and its answer; ECONNREFUSED by ICMP, ETIMEDOUT when nothing comes. */
async function ask(world: World, connection: Connection, timeout: number): Promise<Answer> {
  const [address, port] = connection.to;
  const own = localOf(connection) ?? (address.includes(':') ? '::' : '0.0.0.0');
  const socket = await bindUdp({ netns: world.netns[connection.from], address: own, port: 0 });
  let again: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve) => socket.connect(port, address, resolve));
    const received = once(socket, 'message', { signal: AbortSignal.timeout(timeout) });
    // where the packet is made, the filter's verdict is the sender's error as well
    const send = () => socket.send('?'.repeat(connection.bytes ?? 1), () => {});
    send();
    again = setInterval(send, AGAIN);
    const [data] = await received.catch((error: Error) => {
      throw error.name === 'AbortError' ? Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }) : error;
    });
    return JSON.parse(String(data));
  } finally {
    clearInterval(again);
    socket.close();
  }
}

async function askBySctp(world: World, connection: Connection, timeout: number): Promise<Answer> {
  const [address, port] = connection.to;
  const localAddress = localOf(connection);
  const from = { netns: world.netns[connection.from], ...(localAddress && { localAddress }) };
  return JSON.parse(await askSctp(from, { address, port }, timeout));
}

/** The answer, and as many bytes there and back again. */
async function echo(world: World, connection: Connection, bytes: number): Promise<Answer> {
  const [address, port] = connection.to;
  const localAddress = localOf(connection);
  const netns = world.netns[connection.from];
  const socket = await connectTcp({ netns, address, port, timeout: PATIENCE, ...(localAddress && { localAddress }) });
  try {
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('the echo stopped')));
    const sent = Buffer.alloc(bytes, 'podwire ');
    socket.write(sent);
    let received = Buffer.alloc(0);
    let end = 0;
    for await (const data of socket) {
      received = Buffer.concat([received, data]);
      end = received.indexOf('\n') + 1;
      if (end > 0 && received.length >= end + bytes) break;
    }
    assert.ok(received.subarray(end).equals(sent), 'the echo is not what was sent');
    return JSON.parse(String(received.subarray(0, end)));
  } finally {
    socket.destroy();
  }
}

export const tally = (answers: readonly Answer[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(answers, ({ server }) => server)].map(([server, all]) => [server, all.length]));
export const sources = (answers: readonly Answer[]): string[] =>
  [...new Set(answers.map(({ source }) => source))].sort();
