import type { KubeClient } from '@podwire/kube';
import type { VirtualClock } from './virtual-clock.ts';

/** Nodes whose kubelets renew their leases while virtual time passes. */
export class AliveNodes {
  readonly #client: KubeClient;
  readonly #clock: VirtualClock;
  readonly #names: readonly string[];

  constructor(client: KubeClient, clock: VirtualClock, names: readonly string[]) {
    this.#client = client;
    this.#clock = clock;
    this.#names = names;
  }

  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 10) {
      this.#clock.advance(Math.min(10, left));
      for (const name of this.#names) await this.#renew(name);
    }
  }

  async #renew(name: string): Promise<void> {
    const key = { name, namespace: 'kube-node-lease' };
    const renewTime = new Date(this.#clock.now()).toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: name, renewTime };
    if (await this.#client.get('Lease', key)) await this.#client.patch('Lease', key, { spec });
    else await this.#client.create('Lease', { metadata: key, spec });
  }
}
