import type { ObjectOf } from '@podwire/kube';

type Node = ObjectOf<'Node'>;
type Lease = ObjectOf<'Lease'>;

interface Sign {
  readonly uid: string | undefined;
  readonly lease: string | undefined;
  /** Undefined: the node says nothing; that a condition became Unknown is no sign of life. */
  readonly status: string | undefined;
}

/**
 * When each node was last heard of, by this machine's clock alone: a lease renewed or a heartbeat in the status counts
 * when it is seen to change, so neither clocks of nodes nor the time before the start matter.
 */
export class Heartbeats {
  readonly #seen = new Map<string, Sign & { readonly at: number }>();

  observe({ metadata, status }: Node, lease: Lease | undefined, now: number): void {
    const name = metadata?.name ?? '';
    const ready = status?.conditions?.find((one) => one.type === 'Ready' && one.status !== 'Unknown');
    const sign: Sign = {
      uid: metadata?.uid,
      lease: lease?.spec?.renewTime,
      status: ready && `${ready.status} ${ready.lastHeartbeatTime}`,
    };
    const before = this.#seen.get(name);
    const isSilent =
      before?.uid === sign.uid &&
      before?.lease === sign.lease &&
      (sign.status === undefined || before?.status === sign.status);
    this.#seen.set(name, { ...sign, at: before && isSilent ? before.at : now });
  }

  /** In ms. */
  silence(name: string, now: number): number {
    return now - (this.#seen.get(name)?.at ?? now);
  }

  /** Whoever did not watch for so many ms heard nothing: that is not the nodes' fault. */
  forgive(ms: number): void {
    for (const [name, sign] of this.#seen) this.#seen.set(name, { ...sign, at: sign.at + ms });
  }

  forget(name: string): void {
    this.#seen.delete(name);
  }
}
