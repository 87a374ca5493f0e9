import { messageOf } from '@podwire/base';
import type { Informer, KindName, KubeClient, ObjectOf } from '@podwire/kube';
import { type ControllerContext, type Meta, nameOf, visible } from './context.ts';
import { type Remarks, remarksOn } from './event.ts';
import { deletePod } from './pod-template.ts';

type Pod = ObjectOf<'Pod'>;

/** Makes and deletes the pods of owners of one kind, whose Events tell of it. */
export class OwnedPods {
  readonly #client: KubeClient;
  readonly #pods: Informer<'Pod'>;
  readonly #remark: Remarks;

  constructor({ client, informers }: ControllerContext, kind: KindName) {
    this.#client = client;
    this.#pods = informers.of('Pod');
    this.#remark = remarksOn(client, kind, `${kind.toLowerCase()}-controller`);
  }

  /** Resolves when the cache shows it. */
  async create(owner: Meta, pod: Pod): Promise<void> {
    const made = await this.#client.create('Pod', pod).catch((error: unknown) => {
      this.#remark(owner, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${messageOf(error)}` });
      throw error;
    });
    this.#remark(owner, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${nameOf(made)}` });
    await visible(this.#pods, made);
  }

  async delete(owner: Meta, pod: Pod): Promise<void> {
    await deletePod(this.#client, pod);
    this.#remark(owner, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${nameOf(pod)}` });
  }
}
