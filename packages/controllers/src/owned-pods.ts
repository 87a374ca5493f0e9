import { messageOf } from '@podwire/base';
import { type Informer, type KindName, type KubeClient, kindNamed, type ObjectOf } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { type ControllerContext, isActive, type Meta, nameOf, objectKey, ownedBy, visible } from './context.ts';
import { type Remarks, remarksOn } from './event.ts';
import { deletePod } from './pod-template.ts';

type Pod = ObjectOf<'Pod'>;

export interface Claim {
  /** What the owner controls. */
  readonly own: readonly Pod[];
  /** What nobody controls. */
  readonly orphans: readonly Pod[];
  /** Who takes the labels off a pod wants to look at it in peace. */
  readonly isMeant: (pod: Pod) => boolean;
}

/** Makes and deletes the pods of owners of one kind, whose Events tell of it. */
export class OwnedPods {
  readonly #client: KubeClient;
  readonly #pods: Informer<'Pod'>;
  readonly #remark: Remarks;
  readonly #kind: KindName;

  constructor({ client, informers }: ControllerContext, kind: KindName) {
    this.#client = client;
    this.#pods = informers.of('Pod');
    this.#kind = kind;
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

  /** Takes in pods of nobody that are meant, and lets go of its own that are not any more. */
  async claim(owner: Meta, { own, orphans, isMeant }: Claim): Promise<void> {
    const leaving = own.filter((pod) => isActive(pod) && !isMeant(pod));
    const coming = orphans.filter((pod) => isActive(pod) && isMeant(pod));
    const reference = ownedBy(owner, this.#kind, kindNamed(this.#kind).apiVersion);
    for (const pod of leaving) await this.#setOwners(pod, withoutOwner(pod, owner));
    for (const pod of coming) await this.#setOwners(pod, [...(pod.metadata?.ownerReferences ?? []), reference]);
  }

  async #setOwners(pod: Pod, owners: readonly OwnerReference[]): Promise<void> {
    const { uid = '', resourceVersion = '' } = pod.metadata ?? {};
    // Somebody else may have taken it in.
    const metadata = { uid, resourceVersion, ownerReferences: owners.length > 0 ? owners : null };
    await visible(this.#pods, await this.#client.patch('Pod', objectKey(pod), { metadata }));
  }
}

function withoutOwner(pod: Pod, owner: Meta): OwnerReference[] {
  return (pod.metadata?.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata?.uid);
}
