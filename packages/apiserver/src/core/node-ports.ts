/**
 * Who has which node port. A number belongs to one Service, which may use it on several protocols. Ports nobody asked
 * for come at random from above a lower band of min(max(16, size/32), 128) ports, from the band only when the rest is
 * used up (KEP-3668): of 30000-32767 the first 86 are kept.
 */
export class NodePorts {
  readonly first: number;
  readonly last: number;
  readonly #random: () => number;
  /** More than one owner only after damage. */
  readonly #owners = new Map<number, Set<string>>();
  readonly #owned = new Map<string, readonly number[]>();

  constructor([first, last]: readonly [first: number, last: number], random: () => number) {
    this.first = first;
    this.last = last;
    this.#random = random;
  }

  clear(): void {
    this.#owners.clear();
    this.#owned.clear();
  }

  /** What the owner has from now on; nothing it had before is kept. */
  book(owner: string, ports: readonly number[]): void {
    for (const port of this.#owned.get(owner) ?? []) {
      const owners = this.#owners.get(port);
      owners?.delete(owner);
      if (owners?.size === 0) this.#owners.delete(port);
    }
    for (const port of ports) this.#owners.set(port, (this.#owners.get(port) ?? new Set()).add(owner));
    if (ports.length > 0) this.#owned.set(owner, ports);
    else this.#owned.delete(owner);
  }

  contains(port: number): boolean {
    return port >= this.first && port <= this.last;
  }

  /** Why the owner cannot have the port, in the words of the real server. */
  refusal(port: number, owner: string): string | undefined {
    const owners = this.#owners.get(port);
    if (owners?.has(owner)) return undefined;
    if (!this.contains(port)) {
      return `provided port is not in the valid range. The range of valid ports is ${this.first}-${this.last}`;
    }
    return owners ? 'provided port is already allocated' : undefined;
  }

  /** Undefined when all are taken. */
  pick(alsoTaken: ReadonlySet<number>): number | undefined {
    const size = this.last - this.first + 1;
    const band = size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128);
    return (
      this.#scan(this.first + band, this.last, alsoTaken) ?? this.#scan(this.first, this.first + band - 1, alsoTaken)
    );
  }

  /** Ports that more than one Service has, with all who have them. */
  doubles(): readonly { readonly port: number; readonly owners: readonly string[] }[] {
    return [...this.#owners].flatMap(([port, owners]) => (owners.size > 1 ? [{ port, owners: [...owners] }] : []));
  }

  #scan(from: number, to: number, alsoTaken: ReadonlySet<number>): number | undefined {
    const count = to - from + 1;
    const start = Math.floor(this.#random() * count);
    for (let n = 0; n < count; n++) {
      const port = from + ((start + n) % count);
      if (!this.#owners.has(port) && !alsoTaken.has(port)) return port;
    }
    return undefined;
  }
}
