import type { User } from '../seam.ts';
import { tooManyRequests } from './status.ts';

interface QueueLimits {
  /** Requests that are worked on at a time; watches and streams count only until they have begun. */
  readonly seats: number;
  /** Requests that wait, of node agents and of others each. */
  readonly waiting: number;
  /** How long one waits before it is told to come again, in ms. */
  readonly patience: number;
}

const LIMITS: QueueLimits = { seats: 256, waiting: 4096, patience: 15_000 };

type Leave = () => void;

/** Lets requests in: all at once as long as there are few, those of node agents first when there are many. */
export class RequestQueue {
  readonly #limits: QueueLimits;
  readonly #agents = new Set<Leave>();
  readonly #others = new Set<Leave>();
  #taken = 0;

  constructor(limits: Partial<QueueLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  get taken(): number {
    return this.#taken;
  }

  /** Resolves when it is this request's turn, with what to call when it is done; rejects with 429. */
  async enter(user: User): Promise<Leave> {
    if (this.#taken < this.#limits.seats) this.#taken++;
    else await this.#turn(isNodeAgent(user) ? this.#agents : this.#others);
    let isIn = true;
    return () => {
      if (isIn) this.#next();
      isIn = false;
    };
  }

  #turn(line: Set<Leave>): Promise<void> {
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
    const [next] = this.#agents.size > 0 ? this.#agents : this.#others;
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
