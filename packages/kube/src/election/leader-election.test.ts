import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { PodwireError, parsePrefix } from '@podwire/base';
import fc from 'fast-check';
import type { KubeClient } from '../client.ts';
import type { Clock } from '../clock.ts';
import { VirtualClock } from '../virtual-clock.fixture.ts';
import { type Leadership, runElection } from './leader-election.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-election-'));
let server: ApiServer;

before(async () => {
  server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
  await server.listenUnix(path.join(directory, 'api'));
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A contender in virtual time whose own clock tells another time, and that can be stopped in the middle of anything. */
class Contender implements Clock {
  leadership: Leadership | undefined;
  terms = 0;
  /** What the server answers it: all, nothing at all, or that it is away. */
  network: 'up' | 'silent' | 'down' = 'up';
  readonly stop = new AbortController();
  readonly ended: Promise<void>;
  readonly #time: VirtualClock;
  readonly #skew: number;
  #running = Promise.resolve();
  #go = () => {};

  constructor(time: VirtualClock, of: { name: string; skew: number; lease: string }) {
    this.#time = time;
    this.#skew = of.skew;
    this.ended = runElection(this.#client(), {
      lease: { namespace: 'default', name: of.lease },
      identity: of.name,
      signal: this.stop.signal,
      clock: this,
      lead: async (leadership) => {
        this.leadership = leadership;
        this.terms++;
        await new Promise((resolve) => leadership.signal.addEventListener('abort', resolve));
        this.leadership = undefined;
      },
    });
  }

  get leads(): boolean {
    return this.leadership?.isCertain() ?? false;
  }

  now(): number {
    return this.#time.now() + this.#skew;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#time.sleep(ms, signal);
    await this.#running;
  }

  pause(): void {
    this.resume();
    this.#running = new Promise((resolve) => {
      this.#go = resolve;
    });
  }

  resume(): void {
    this.#go();
  }

  #client(): KubeClient {
    const real = server.client();
    const { get, create, update } = real;
    const through =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        await this.#running;
        if (this.network === 'down') throw new PodwireError('KUBE_UNAVAILABLE', 'away');
        if (this.network === 'silent') return aborted(args);
        const answer = await call.apply(real, args);
        await this.#running;
        return answer;
      };
    return { get: through(get), create: through(create), update: through(update) } as unknown as KubeClient;
  }
}

/** As a client whose request is not answered. */
function aborted(args: readonly unknown[]): Promise<never> {
  const { signal } = args.at(-1) as { signal?: AbortSignal };
  assert.ok(signal, 'every request can be given up');
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

let leases = 0;

async function withContenders(act: (world: { time: VirtualClock; all: readonly Contender[] }) => Promise<void>) {
  const time = new VirtualClock();
  const lease = `lease-${leases++}`;
  const skews = [0, -86_400_000, 4_000_000_000];
  const all = skews.map((skew, i) => new Contender(time, { name: `c${i}`, skew, lease }));
  try {
    await act({ time, all });
  } finally {
    for (const one of all) {
      one.network = 'down';
      one.resume();
      one.stop.abort();
    }
    await time.advance(60_000);
    await Promise.all(all.map(({ ended }) => ended));
  }
}

const leaders = (all: readonly Contender[]): Contender[] => all.filter(({ leads }) => leads);
const atMostOne = (all: readonly Contender[]) => () => assert.ok(leaders(all).length <= 1, 'two lead at once');

test('one of three leads; whoever is cut off stops after 10 s, and after 15 s another one leads', async () => {
  await withContenders(async ({ time, all }) => {
    await time.advance(5000, atMostOne(all));
    const [first] = leaders(all);
    assert.ok(first);
    await time.advance(120_000, atMostOne(all));
    assert.deepEqual(leaders(all), [first], 'nobody takes a lease that is renewed');
    first.network = 'silent';
    await time.advance(7_500, atMostOne(all));
    assert.deepEqual(leaders(all), [first], 'the lease is still its own');
    await time.advance(2_600, atMostOne(all));
    assert.deepEqual(leaders(all), [], 'it gave up before others may begin');
    await time.advance(10_000, atMostOne(all));
    const [second] = leaders(all);
    assert.ok(second && second !== first);
    first.network = 'up';
    await time.advance(60_000, atMostOne(all));
    assert.deepEqual(leaders(all), [second]);
  });
});

test('whoever stops lets go, and the next leads within a period', async () => {
  await withContenders(async ({ time, all }) => {
    await time.advance(5000);
    const [first] = leaders(all);
    first?.stop.abort();
    await time.advance(2_500, atMostOne(all));
    const [second] = leaders(all);
    assert.ok(second && second !== first);
  });
});

test('a leader that was paused is not certain of anything when it goes on', async () => {
  await withContenders(async ({ time, all }) => {
    await time.advance(5000);
    const [first] = leaders(all);
    first?.pause();
    await time.advance(30_000, atMostOne(all));
    assert.ok(first?.leadership && !first.leads, 'it has not learnt it yet, but may ask');
    first.resume();
    await time.advance(5000, atMostOne(all));
    assert.equal(first.leadership, undefined);
    assert.equal(leaders(all).length, 1);
  });
});

test('never two leaders, whatever stops or is cut off, and one when all is well again', async () => {
  const event = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('silent' as const, 'down' as const, 'up' as const, 'pause' as const, 'resume' as const),
    wait: fc.integer({ min: 100, max: 25_000 }),
  });
  const runs = fc.asyncProperty(fc.array(event, { maxLength: 8 }), (events) =>
    withContenders(async ({ time, all }) => {
      for (const { who, what, wait } of events) {
        const one = all[who] as Contender;
        if (what === 'pause' || what === 'resume') one[what]();
        else one.network = what;
        await time.advance(wait, atMostOne(all));
      }
      for (const one of all) {
        one.network = 'up';
        one.resume();
      }
      await time.advance(45_000, atMostOne(all));
      assert.equal(leaders(all).length, 1);
    }),
  );
  await fc.assert(runs, { numRuns: 15, endOnFailure: true, interruptAfterTimeLimit: 60_000 });
});

test('whoever is stopped while it takes the lease does not lead, and lets go', async () => {
  const stop = new AbortController();
  const lease = { namespace: 'default', name: 'stopped' };
  const real = server.client();
  const create = async (...args: Parameters<KubeClient['create']>) => {
    const made = await real.create(...args);
    stop.abort();
    return made;
  };
  const client = new Proxy(real, {
    get: (target, name) => (name === 'create' ? create : Reflect.get(target, name).bind(target)),
  });
  let terms = 0;
  const lead = async () => {
    terms++;
  };
  await runElection(client, { lease, identity: 'x', signal: stop.signal, lead });
  assert.equal(terms, 0);
  assert.equal((await real.get('Lease', lease))?.spec?.holderIdentity, '');
});

test('times that do not fit are refused', async () => {
  const options = { lease: { name: 'x' }, identity: 'x', lead: async () => {}, signal: AbortSignal.abort() };
  await assert.rejects(runElection(server.client(), { ...options, renewDeadline: 20_000 }), {
    code: 'KUBE_BAD_CONFIG',
  });
});

/** A process, and whether it said that it leads. */
class Child {
  leads = false;
  readonly process: ChildProcess;

  constructor(identity: string) {
    const program = path.join(import.meta.dirname, 'contender.fixture.ts');
    this.process = fork(program, [path.join(directory, 'api'), identity], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.process.on('message', (text) => {
      this.leads = text === 'leads';
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    await exit;
  }
}

async function leaderOf(children: readonly Child[]): Promise<Child> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    const found = children.find(({ leads }) => leads);
    if (found) return found;
  }
  return assert.fail('nobody leads after 60 s');
}

test('three processes: one that is killed, and one that is stopped for a while, are succeeded', async () => {
  const children = ['one', 'two', 'three'].map((identity) => new Child(identity));
  try {
    const first = await leaderOf(children);
    await first.end('SIGKILL');
    const rest = children.filter((one) => one !== first);
    const second = await leaderOf(rest);
    second.process.kill('SIGSTOP');
    const third = await leaderOf(rest.filter((one) => one !== second));
    second.process.kill('SIGCONT');
    for (const end = Date.now() + 60_000; second.leads && Date.now() < end; ) await sleep(20);
    assert.equal(second.leads, false, 'it learns that it leads no more');
    third.process.send('stop');
    await once(third.process, 'exit');
    assert.equal(await leaderOf([second]), second);
  } finally {
    await Promise.all(children.map((one) => one.end('SIGKILL')));
  }
});
