import type { User } from '../seam.ts';
import { RequestSeat } from './request-seat.ts';
import { tooManyRequests } from './status.ts';

interface QueueLimits {
  /** Requests that are worked on at a time; watches and streams count only until they have begun. */
  readonly seats: number;
  /** Requests that wait, of node agents and of others each. */
  readonly waiting: number;
  /** Requests that gave their seats to others while they wait for webhooks; more than these keep them. */
  readonly away: number;
  /** How long one waits before it is told to come again, in ms. */
  readonly patience: number;
}

const LIMITS: QueueLimits = { seats: 256, waiting: 4096, away: 4096, patience: 15_000 };

type Call = () => void;

/**
 * Lets requests in: all at once as long as there are few, those of node agents first when there are many. Before all come
 * those that were in already.
 */
export class RequestQueue {
  readonly #limits: QueueLimits;
  readonly #returning = new Set<Call>();
  readonly #agents = new Set<Call>();
  readonly #others = new Set<Call>();
  #taken = 0;
  #away = 0;

  constructor(limits: Partial<QueueLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  get taken(): number {
    return this.#taken;
  }

  /** Resolves when it is this request's turn, with the seat to leave when it is done; rejects with 429. */
  async enter(user: User): Promise<RequestSeat> {
    if (this.#taken < this.#limits.seats) this.#taken++;
    else await this.#turn(isNodeAgent(user) ? this.#agents : this.#others);
    return new RequestSeat({
      free: () => this.#next(),
      stepOut: () => this.#stepOut(),
      comeBack: () => this.#comeBack(),
    });
  }

  #stepOut(): boolean {
    if (this.#away >= this.#limits.away) return false;
    this.#away++;
    this.#next();
    return true;
  }

  #comeBack(): Promise<void> {
    this.#away--;
    if (this.#taken < this.#limits.seats) {
      this.#taken++;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const call = () => {
        this.#returning.delete(call);
        resolve();
      };
      this.#returning.add(call);
    });
  }

  #turn(line: Set<Call>): Promise<void> {
    if (line.size >= this.#limits.waiting) return Promise.reject(tooManyRequests());
    return new Promise((resolve, reject) => {
      const call = () => {
        clearTimeout(timer);
        line.delete(call);
        resolve();
      };
      const timer = setTimeout(() => {
        line.delete(call);
        reject(tooManyRequests());
      }, this.#limits.patience);
      line.add(call);
    });
  }

  /** The seat goes to whoever is next in line. */
  #next(): void {
    const [next] = [this.#returning, this.#agents].find(({ size }) => size > 0) ?? this.#others;
    if (next) next();
    else this.#taken--;
  }
}

const AGENT = 'system:serviceaccount:kube-system:podwire-agent';
const AGENT_GROUPS: ReadonlySet<string> = new Set(['system:nodes', 'podwire:agent']);

/** Agents keep the nodes going: without them everything else is in vain. */
export function isNodeAgent({ name, groups }: User): boolean {
  return name === AGENT || groups.some((group) => AGENT_GROUPS.has(group));
}
