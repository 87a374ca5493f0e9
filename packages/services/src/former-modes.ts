import { messageOf } from '@podwire/base';
import { ModeRecord } from './mode-record.ts';
import type { Departure, ProxyMode, ServiceProxy } from './proxy.ts';

/**
 * What other modes than the one in force have in the kernel: of a change that is under way, of one that failed, or of an
 * agent before this one that had another mode and died. It goes when the mode in force is complete, never before.
 *
 *   enter B ─▶ B in force ─▶ leave A       a change
 *   begin B ─▶ B in force ─▶ sweep         a start, after an agent in mode A
 */
export class FormerModes {
  readonly #record: ModeRecord;
  readonly #create: (mode: ProxyMode) => Promise<ServiceProxy>;
  /** Those of which something may be there, and whether that is certain. */
  readonly #left = new Map<ProxyMode, { readonly certain: boolean }>();

  readonly #departures = new Map<ProxyMode, Departure>();

  constructor(runDirectory: string, create: (mode: ProxyMode) => Promise<ServiceProxy>) {
    this.#record = new ModeRecord(runDirectory);
    this.#create = create;
  }

  get problems(): readonly string[] {
    return this.#record.problems;
  }

  /** Before the first mode of this process writes anything. */
  begin(mode: ProxyMode): void {
    const { modes, certain } = this.#record.read();
    for (const former of modes) if (former !== mode) this.#left.set(former, { certain });
    this.#record.add(mode);
  }

  /** Before another mode writes anything. */
  enter(mode: ProxyMode): void {
    this.#endDeparture(mode);
    this.#left.delete(mode);
    this.#record.add(mode);
  }

  /** What waits for its last connection is left to a later process. */
  close(): void {
    for (const mode of [...this.#departures.keys()]) this.#endDeparture(mode);
  }

  #endDeparture(mode: ProxyMode): void {
    this.#departures.get(mode)?.end();
    this.#departures.delete(mode);
  }

  /** Another mode is in force now; what this one has is left to `sweep`, should nobody remove it before. */
  retire(mode: ProxyMode): void {
    this.#left.set(mode, { certain: true });
  }

  /** Removes what a proxy has in the kernel while another is in force; what cannot be removed is left to `sweep`. */
  async leave(proxy: ServiceProxy, present: ServiceProxy): Promise<void> {
    this.retire(proxy.mode);
    try {
      if (present.base !== proxy.mode) {
        await proxy.cleanup(present.mode);
        this.#forget(proxy, present);
      }
      this.#left.delete(proxy.mode);
    } catch {
      // it is in the list
    }
  }

  /** Nothing of another mode is there. */
  get swept(): boolean {
    return this.#left.size === 0;
  }

  /** Removes what all others than the present mode have in the kernel; why some of it is still there, if it is. */
  async sweep(present: ServiceProxy): Promise<string | undefined> {
    const failures: string[] = [];
    for (const [mode, { certain }] of this.#left) {
      const failure = mode === present.base ? undefined : await this.#remove(mode, present);
      if (failure !== undefined && certain) {
        failures.push(`what mode ${mode} left is still in the kernel: ${failure}`);
        continue;
      }
      this.#left.delete(mode);
      // the record names it by now, which would make it certain for the next agent
      if (failure !== undefined) this.#record.remove(mode);
    }
    return failures.length ? failures.join('; ') : undefined;
  }

  async #remove(mode: ProxyMode, present: ServiceProxy): Promise<string | undefined> {
    try {
      const proxy = await this.#create(mode);
      await proxy.cleanup(present.mode);
      await proxy.close();
      this.#forget(proxy, present);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  #forget({ mode, base, departure }: ServiceProxy, present: ServiceProxy): void {
    if (departure) {
      this.#endDeparture(mode);
      this.#departures.set(mode, departure);
      return;
    }
    const shared = base === undefined || base === present.mode || base === present.base;
    this.#record.remove(mode, ...(shared ? [] : [base]));
  }

  /** Removes everything of every mode that was ever entered, and the memory of it. Throws when some of it stays. */
  async cleanup(mode: ProxyMode): Promise<void> {
    this.close();
    const { modes, certain } = this.#record.read();
    const errors: unknown[] = [];
    for (const one of new Set([mode, ...modes])) {
      try {
        const proxy = await this.#create(one);
        await proxy.cleanup();
        await proxy.close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0)
      throw errors.length === 1 ? errors[0] : new AggregateError(errors, errors.map(messageOf).join('; '));
    if (certain) this.#record.end();
  }
}
