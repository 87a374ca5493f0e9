import {
  claimNames,
  equalJson,
  type Informer,
  isPodOver,
  type KubeClient,
  ObjectIndex,
  type ObjectOf,
  type WorkQueue,
} from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  keyOf,
  nameOf,
  namespaceOf,
  objectKey,
  splitKey,
  visible,
} from '../context.ts';
import { type Remark, type Remarks, remarksOn } from '../event.ts';
import { startReconciler } from '../reconciler.ts';
import { type ClaimView, planClaim, volumeFor } from './claim-plan.ts';
import { BOUND_BY_CONTROLLER, claimReference, isFor } from './volume-fit.ts';

type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Volume = ObjectOf<'PersistentVolume'>;
type Pod = ObjectOf<'Pod'>;

const PROTECTION = 'kubernetes.io/pvc-protection';
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const STATUS = { subresource: 'status' } as const;

/**
 *     PersistentVolumeClaim ──▶ PersistentVolume that fits, or a new one of its class ──▶ both Bound
 *        └── deleted, but not while a pod on a node uses it ──▶ its volume Released, or deleted
 */
export function startVolumeClaims(context: ControllerContext): Controller {
  return new ClaimController(context);
}

class ClaimController implements Controller {
  readonly #client: KubeClient;
  readonly #claims: Informer<'PersistentVolumeClaim'>;
  readonly #volumes: Informer<'PersistentVolume'>;
  readonly #users: ObjectIndex<'Pod'>;
  readonly #view: () => ClaimView;
  readonly #remark: Remarks;
  readonly #queue: WorkQueue;
  /** Why claims wait, by their keys. */
  readonly #told = new Map<string, string>();
  readonly #ends: readonly (() => void)[];

  constructor({ client, informers, logger }: ControllerContext) {
    const [pods, classes] = [informers.of('Pod'), informers.of('StorageClass')];
    this.#client = client;
    this.#claims = informers.of('PersistentVolumeClaim');
    this.#volumes = informers.of('PersistentVolume');
    this.#users = new ObjectIndex(pods, claimKeys);
    this.#view = () => ({ volumes: this.#volumes.list(), classes: classes.list() });
    this.#remark = remarksOn(client, 'PersistentVolumeClaim', 'persistentvolume-controller');
    this.#queue = startReconciler({ name: 'volume-claim', logger, reconcile: (key) => this.#reconcile(key) });
    this.#ends = [
      this.#users.stop,
      this.#claims.subscribe(({ object }) => this.#queue.add(keyOf(object))),
      pods.subscribe(({ object }) => {
        for (const key of claimKeys(object)) if (this.#isGoing(key)) this.#queue.add(key);
      }),
      this.#volumes.subscribe(({ object }) => this.#addOpen(object)),
      classes.subscribe(() => this.#addOpen()),
    ];
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#queue.shutDown();
  }

  #isGoing(key: string): boolean {
    const { name, namespace } = splitKey(key);
    return this.#claims.get(name, namespace)?.metadata?.deletionTimestamp !== undefined;
  }

  /** Claims that a volume, or a class, may matter to. */
  #addOpen(volume?: Volume): void {
    for (const claim of this.#claims.list()) {
      const isNamed = volume !== undefined && claim.spec?.volumeName === nameOf(volume);
      if (isNamed || claim.status?.phase !== 'Bound') this.#queue.add(keyOf(claim));
    }
  }

  async #reconcile(key: string): Promise<undefined> {
    const { name, namespace } = splitKey(key);
    const claim = this.#claims.get(name, namespace);
    if (claim?.status?.phase !== 'Pending') this.#told.delete(key);
    if (!claim) return;
    if (claim.metadata?.deletionTimestamp) await this.#release(claim, key);
    else await this.#settle(await this.#protected(claim));
  }

  async #release(claim: Claim, key: string): Promise<void> {
    const { finalizers = [] } = claim.metadata ?? {};
    if (!finalizers.includes(PROTECTION) || this.#users.get(key).some(isUsing)) return;
    await this.#setFinalizers(
      claim,
      finalizers.filter((one) => one !== PROTECTION),
    );
  }

  async #protected(claim: Claim): Promise<Claim> {
    const { finalizers = [] } = claim.metadata ?? {};
    return finalizers.includes(PROTECTION) ? claim : this.#setFinalizers(claim, [...finalizers, PROTECTION]);
  }

  #setFinalizers(claim: Claim, finalizers: readonly string[]): Promise<Claim> {
    return this.#change(claim, { metadata: { finalizers: finalizers.length > 0 ? finalizers : null } });
  }

  async #settle(claim: Claim): Promise<void> {
    const plan = planClaim(claim, this.#view());
    if (plan.step === 'bind') await this.#bind(claim, plan.volume);
    else if (plan.step === 'classify') await this.#change(claim, { spec: { storageClassName: nameOf(plan.of) } });
    else if (plan.step === 'lost') await this.#setStatus(claim, { phase: 'Lost' });
    else if (plan.step === 'wait') {
      await this.#setStatus(claim, { phase: 'Pending' });
      this.#tell(claim, plan.why);
    } else {
      const made = await this.#client.create('PersistentVolume', volumeFor(claim, plan.of));
      await visible(this.#volumes, made);
      const message = `Successfully provisioned volume ${nameOf(made)}`;
      this.#remark(claim, { type: 'Normal', reason: 'ProvisioningSucceeded', message });
      await this.#bind(claim, made);
    }
  }

  /** Once for each reason. */
  #tell(claim: Claim, why: Remark): void {
    const key = keyOf(claim);
    if (this.#told.get(key) !== why.message) this.#remark(claim, why);
    this.#told.set(key, why.message);
  }

  /** The volume first: of two claims that want it, one is refused. */
  async #bind(claim: Claim, volume: Volume): Promise<void> {
    const { resourceVersion = '' } = volume.metadata ?? {};
    const isKept = isFor(volume, claim);
    if (!isKept || !volume.spec?.claimRef?.uid) {
      const metadata = { resourceVersion, ...(isKept ? {} : { annotations: BOUND_BY_CONTROLLER }) };
      const patch = { metadata, spec: { claimRef: claimReference(claim) } };
      await visible(this.#volumes, await this.#client.patch('PersistentVolume', { name: nameOf(volume) }, patch));
    }
    const bound = await this.#name(claim, volume);
    const { accessModes = [], capacity = {} } = volume.spec ?? {};
    await this.#setStatus(bound, { phase: 'Bound', accessModes, capacity });
  }

  async #name(claim: Claim, volume: Volume): Promise<Claim> {
    const { annotations: present = {} } = claim.metadata ?? {};
    const isNamed = Boolean(claim.spec?.volumeName);
    if (isNamed && BIND_COMPLETED in present) return claim;
    const annotations = { [BIND_COMPLETED]: 'yes', ...(isNamed ? {} : BOUND_BY_CONTROLLER) };
    return this.#change(claim, { metadata: { annotations }, spec: { volumeName: nameOf(volume) } });
  }

  async #setStatus(claim: Claim, status: NonNullable<Claim['status']>): Promise<void> {
    const same = (field: keyof typeof status) => equalJson(claim.status?.[field], status[field]);
    if ((Object.keys(status) as (keyof typeof status)[]).every(same)) return;
    await visible(
      this.#claims,
      await this.#client.patch('PersistentVolumeClaim', objectKey(claim), { status }, STATUS),
    );
  }

  async #change(claim: Claim, { metadata = {}, ...patch }: { metadata?: object; spec?: object }): Promise<Claim> {
    const { uid = '', resourceVersion = '' } = claim.metadata ?? {};
    const whole = { ...patch, metadata: { ...metadata, uid, resourceVersion } };
    const changed = await this.#client.patch('PersistentVolumeClaim', objectKey(claim), whole);
    await visible(this.#claims, changed);
    return changed;
  }
}

function claimKeys(pod: Pod): string[] {
  return claimNames(pod).map((name) => `${namespaceOf(pod)}/${name}`);
}

function isUsing(pod: Pod): boolean {
  return Boolean(pod.spec?.nodeName) && !isPodOver(pod);
}
