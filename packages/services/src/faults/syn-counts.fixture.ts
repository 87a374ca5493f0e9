import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Place, TCP_PORTS, type World } from '../world.fixture.ts';

/** Where SYNs are sent from, also by a relay on the node. */
const SENDERS = ['client', 'node', 'outside', 'near1', 'near2', 'far'] as const satisfies readonly Place[];
/** Where they come to. */
const SERVERS = ['near1', 'near2', 'far'] as const satisfies readonly Place[];
/** Counts them before anything of the server can refuse one. */
const ARRIVED = `table inet arrived {
  chain prerouting {
    type filter hook prerouting priority -400
    tcp dport ${TCP_PORTS[0]} tcp flags & (syn | ack) == syn counter
  }
}`;
/** For SYNs on their way, in ms. */
const DEADLINE = 60_000;

/**
 * Sees SYNs get lost from now on: one that is sent again. Emulated processors stand still for seconds, so that a late answer
 * has the same effect; there it is one that did not come to a server, which is to be asked directly, not by a relay.
 */
export class SynCounts {
  readonly #world: World;
  readonly #isEmulated = hostname() === 'podwire-guest';
  readonly #before: number;

  constructor(world: World) {
    this.#world = world;
    if (this.#isEmulated) for (const place of SERVERS) world.run(place, 'nft', ARRIVED);
    this.#before = this.#isEmulated ? this.#sent() : this.#sentAgain();
  }

  /** When nobody sends any more. */
  async assertNoneLost(): Promise<void> {
    if (!this.#isEmulated) return assert.equal(this.#sentAgain() - this.#before, 0, 'SYNs that were sent again');
    const sent = this.#sent() - this.#before;
    const deadline = Date.now() + DEADLINE;
    while (this.#arrived() !== sent && Date.now() < deadline) await sleep(100);
    assert.equal(this.#arrived(), sent, 'SYNs that came to a server, of those that were sent');
  }

  #sent(): number {
    return this.#sentAgain() + this.#sum((place) => counter(this.#world, place, ['snmp', 'Tcp:', 'ActiveOpens']));
  }

  #sentAgain(): number {
    return this.#sum((place) => counter(this.#world, place, ['netstat', 'TcpExt:', 'TCPSynRetrans']));
  }

  #arrived(): number {
    const listed = SERVERS.map((place) => this.#world.run(place, 'nft', 'list', 'table', 'inet', 'arrived'));
    return listed.reduce((sum, text) => sum + Number(/packets (\d+)/.exec(text)?.[1]), 0);
  }

  #sum(count: (place: Place) => number): number {
    return SENDERS.reduce((sum, place) => sum + count(place), 0);
  }
}

/** Of proc_net_snmp and proc_net_netstat: a line of names and one of numbers for each group. */
function counter(world: World, place: Place, [file, group, name]: readonly [string, string, string]): number {
  const lines = world.run(place, 'cat', `/proc/net/${file}`).split('\n');
  const [names = [], values = []] = lines.filter((line) => line.startsWith(group)).map((line) => line.split(' '));
  const value = Number(values[names.indexOf(name)]);
  assert.ok(Number.isSafeInteger(value), `the kernel counts no ${name}`);
  return value;
}
