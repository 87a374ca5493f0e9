/** Where a seat is from. */
export interface Seats {
  /** The seat goes to whoever is next. */
  free(): void;
  /** As free, for who will come back; false when too many are away already. */
  stepOut(): boolean;
  /** Resolves when one who stepped out has a seat again. */
  comeBack(): Promise<void>;
}

/** A place among the requests that are worked on. */
export class RequestSeat {
  readonly #seats: Seats;
  #isAway = false;
  #isLeft = false;
  #waits = 0;
  #returning: Promise<void> = Promise.resolve();

  constructor(seats: Seats) {
    this.#seats = seats;
  }

  leave(): void {
    if (!this.#isLeft && !this.#isAway) this.#seats.free();
    this.#isLeft = true;
  }

  /**
   * Waits for somebody else, who may be waiting for this server: the seat is for others meanwhile. Of several waits at a
   * time the seat is back after the last.
   */
  async aside<T>(wait: () => Promise<T>): Promise<T> {
    await this.#returning;
    this.#waits++;
    if (!this.#isLeft && !this.#isAway) this.#isAway = this.#seats.stepOut();
    try {
      return await wait();
    } finally {
      this.#waits--;
      if (this.#waits === 0 && this.#isAway) this.#returning = this.#comeBack();
      await this.#returning;
    }
  }

  async #comeBack(): Promise<void> {
    await this.#seats.comeBack();
    this.#isAway = false;
    // Who left meanwhile has no use for it.
    if (this.#isLeft) this.#seats.free();
  }
}
