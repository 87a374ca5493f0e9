import type { Informers, KubeClient, ObjectOf } from '@podwire/kube';
import { nameOf, objectKey, visible } from '../context.ts';
import { SELECTED_NODE } from '../volumes/claim-plan.ts';
import { BOUND_BY_CONTROLLER, claimReference } from '../volumes/volume-fit.ts';
import type { ClusterView } from './cluster-view.ts';
import { claimsOf, settle } from './pod-claims.ts';

type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Volume = ObjectOf<'PersistentVolume'>;

/** Has the claims of pods bound that wait for the node of their first pod. */
export class VolumeBinder {
  readonly #client: KubeClient;
  readonly #informers: Informers;

  constructor(client: KubeClient, informers: Informers) {
    this.#client = client;
    this.#informers = informers;
  }

  /** Writes what the claims still need; resolves to whether all of them are bound. */
  async bind(pod: ObjectOf<'Pod'>, node: string, view: ClusterView): Promise<boolean> {
    const claims = claimsOf(pod, view.storage);
    const at = view.at(node);
    const plan = at && settle(claims, at.node, view.storage);
    if (plan === undefined || typeof plan === 'string') return false;
    for (const [claim, volume] of plan.volumes) await this.#keep(volume, claim);
    for (const claim of plan.provisioned) await this.#select(claim, node);
    return claims.delayed.length === 0;
  }

  async #keep(volume: Volume, claim: Claim): Promise<void> {
    if (volume.spec?.claimRef?.uid) return;
    const { resourceVersion = '' } = volume.metadata ?? {};
    const metadata = { resourceVersion, annotations: BOUND_BY_CONTROLLER };
    const patch = { metadata, spec: { claimRef: claimReference(claim) } };
    const kept = await this.#client.patch('PersistentVolume', { name: nameOf(volume) }, patch);
    await visible(this.#informers.of('PersistentVolume'), kept);
  }

  async #select(claim: Claim, node: string): Promise<void> {
    if (claim.metadata?.annotations?.[SELECTED_NODE]) return;
    const { resourceVersion = '' } = claim.metadata ?? {};
    const patch = { metadata: { resourceVersion, annotations: { [SELECTED_NODE]: node } } };
    const selected = await this.#client.patch('PersistentVolumeClaim', objectKey(claim), patch);
    await visible(this.#informers.of('PersistentVolumeClaim'), selected);
  }
}
