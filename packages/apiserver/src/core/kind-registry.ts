import { KINDS, type Kind, type KindId } from '@podwire/kube';

/** The kinds a server serves now: those it is built with, and the custom resources added to it. */
export class KindRegistry {
  readonly #byId = new Map<KindId, Kind>();
  readonly #byPath = new Map<string, Kind>();
  readonly #listeners = new Set<() => void>();

  constructor(kinds: readonly Kind[] = KINDS) {
    for (const kind of kinds) this.#enter(kind);
  }

  /** In the order they were added. */
  all(): readonly Kind[] {
    return [...this.#byId.values()];
  }

  /** The kind served as `plural` of a group version, be it not the version it is stored in. */
  at(apiVersion: string, plural: string): Kind | undefined {
    return this.#byPath.get(`${apiVersion}/${plural}`);
  }

  withId(id: KindId): Kind | undefined {
    return this.#byId.get(id);
  }

  /** The kind of a group version, be it not the version it is stored in. */
  named(apiVersion: string, kind: string): Kind | undefined {
    const isIt = (one: Kind) =>
      one.kind === kind && (one.apiVersion === apiVersion || one.otherVersions.includes(apiVersion));
    return this.all().find(isIt);
  }

  /** Serves the kind from now on; one with the same id is replaced. */
  add(kind: Kind): void {
    this.#leave(kind.id);
    this.#enter(kind);
    this.#tell();
  }

  /** Its objects stay in the store. */
  remove(id: KindId): void {
    if (this.#leave(id)) this.#tell();
  }

  /** Calls back after every change. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #enter(kind: Kind): void {
    this.#byId.set(kind.id, kind);
    for (const path of pathsOf(kind)) this.#byPath.set(path, kind);
  }

  #leave(id: KindId): boolean {
    const kind = this.#byId.get(id);
    for (const path of kind ? pathsOf(kind) : []) this.#byPath.delete(path);
    return this.#byId.delete(id);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function pathsOf({ apiVersion, otherVersions, plural }: Kind): readonly string[] {
  return [apiVersion, ...otherVersions].map((version) => `${version}/${plural}`);
}
