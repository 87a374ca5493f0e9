import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { messageOf, PodwireError } from '@podwire/base';
import type { Bind } from '@podwire/kernel';
import { claimName, foreignClaim, type Pod } from '@podwire/kube';
import type { Container } from './container-environment.ts';
import { expandVariables } from './environment.ts';
import { placeInVolume } from './sub-path.ts';
import { type Owner, type Payload, writePayload } from './volume-payload.ts';
import { type Volume, type VolumeSource, volumePayload } from './volume-source.ts';

/** Where programs look for the credentials of their pod (client-go's in-cluster configuration). */
const ACCOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** As the admission of service accounts adds it to pods that have none. */
const ACCOUNT: Volume = {
  name: 'kube-api-access',
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ],
  },
};

/** The account of a namespace that was just made may come after its first pod. */
const FIRST_REFRESH = 1000;

/** How often what volumes are made of is looked at, in ms; kubelets do so every minute. */
const REFRESH = 60_000;

export interface PodVolumesParts {
  readonly pod: Pod;
  /** Of this pod alone; made when it is needed. */
  readonly directory: string;
  /** Of the lab: a claim whose volume names no place of the machine has a directory in it that outlives the pods. */
  readonly claims: string;
  readonly source: VolumeSource;
  /** Something people should know about a volume. */
  readonly warn: (reason: string, message: string) => void;
}

/**
 * The volumes of one pod, each a directory of the machine that its containers have bound to their mount paths. What is made
 * of API objects follows them; a claim is a directory of the lab or of the machine. Volumes podwire cannot provide are empty directories, and an event says so.
 */
export class PodVolumes {
  readonly #parts: PodVolumesParts;
  #volumes: readonly Volume[];
  readonly #written = new Map<string, string>();
  /** By the names of the volumes. */
  readonly #claimed = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: PodVolumesParts) {
    this.#parts = parts;
    this.#volumes = parts.pod.spec?.volumes ?? [];
  }

  /** Rejects with LAB_VOLUME when something a volume is made of is not there (yet). */
  async prepare(): Promise<void> {
    const { pod, source } = this.#parts;
    const hasAccount = this.#volumes.includes(ACCOUNT) || !(await source.wantsToken());
    if (!hasAccount) this.#volumes = [...(pod.spec?.volumes ?? []), ACCOUNT];
    for (const volume of this.#volumes) await this.#fill(volume);
    if (!this.#stopped && this.#volumes.some(isFilled))
      this.#timer ??= setTimeout(() => void this.#refresh(), FIRST_REFRESH).unref();
  }

  /** What a container has mounted, outer places first. Throws LAB_VOLUME for a subPath that leads out of its volume. */
  binds(container: Container): Bind[] {
    const own = container.volumeMounts ?? [];
    const hasAccount = own.some(({ mountPath }) => path.posix.normalize(mountPath).replace(/\/$/, '') === ACCOUNT_PATH);
    const implied = this.#volumes.includes(ACCOUNT) && !hasAccount;
    const mounts = implied ? [...own, { name: ACCOUNT.name, mountPath: ACCOUNT_PATH, readOnly: true }] : own;
    return mounts.flatMap((mount) => this.#bind(mount, container)).sort((a, b) => a.target.length - b.target.length);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #bind(mount: NonNullable<Container['volumeMounts']>[number], container: Container): Bind[] {
    const volume = this.#volumes.find(({ name }) => name === mount.name);
    if (!volume) return [];
    const env = Object.fromEntries((container.env ?? []).map(({ name, value = '' }) => [name, value]));
    const inside = mount.subPath ?? (mount.subPathExpr ? expandVariables(mount.subPathExpr, env) : '');
    const top = volume.hostPath?.path ?? this.#directoryOf(volume);
    // Containers cannot write to what is filled, whose links change with what it is made of.
    const source = isFilled(volume) ? path.join(top, withinVolume(inside)) : placeInVolume(top, inside);
    const readOnly = mount.readOnly === true || volume.persistentVolumeClaim?.readOnly === true || isFilled(volume);
    return [{ source, target: mount.mountPath, readOnly }];
  }

  get #fsGroup(): number | undefined {
    return this.#parts.pod.spec?.securityContext?.fsGroup;
  }

  #directoryOf({ name }: Volume): string {
    return this.#claimed.get(name) ?? path.join(this.#parts.directory, name);
  }

  async #fill(volume: Volume): Promise<void> {
    try {
      const payload = await volumePayload(volume, this.#parts.source, volume === ACCOUNT);
      if (payload) this.#write(volume, payload);
      else if (volume.hostPath) prepareHostPath(volume.hostPath);
      else if (volume.persistentVolumeClaim || volume.ephemeral) await this.#claim(volume);
      else this.#empty(volume);
    } catch (cause) {
      const why = `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(cause)}`;
      throw new PodwireError('LAB_VOLUME', why, { cause });
    }
  }

  #write(volume: Volume, payload: Payload): void {
    const digest = digestOf(payload);
    // The pod may have ended, and its directory gone, while this was fetched.
    if (this.#stopped || this.#written.get(volume.name) === digest) return;
    const directory = this.#directoryOf(volume);
    fs.mkdirSync(directory, { recursive: true, mode: 0o755 });
    writePayload(directory, this.#fsGroup === undefined ? payload : readableByGroup(payload), ownerOf(this.#parts.pod));
    this.#written.set(volume.name, digest);
  }

  async #claim(volume: Volume): Promise<void> {
    const { pod, source, claims } = this.#parts;
    const name = claimName(pod, volume) ?? '';
    const found = await source.claim(name);
    const foreign = found && volume.ephemeral ? foreignClaim(pod, found) : undefined;
    if (foreign !== undefined) throw new PodwireError('LAB_VOLUME', foreign);
    if (!found?.isBound)
      throw new PodwireError('LAB_VOLUME', `persistentvolumeclaim "${name}" ${found ? 'is not bound' : 'not found'}`);
    const { metadata, hostPath } = found;
    const directory = hostPath?.path ?? path.join(claims, metadata.uid ?? '');
    if (hostPath) prepareHostPath(hostPath);
    else if (!fs.existsSync(directory)) makeWritable(directory, this.#fsGroup);
    this.#claimed.set(volume.name, directory);
  }

  #empty(volume: Volume): void {
    const directory = this.#directoryOf(volume);
    if (fs.existsSync(directory)) return;
    makeWritable(directory, this.#fsGroup);
    const type = Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';
    if (type === 'emptyDir') return;
    const why = `volume "${volume.name}" is of type ${type}, which podwire does not provide: the containers get an empty directory that ends with the pod`;
    this.#parts.warn('UnsupportedVolume', why);
  }

  /** What is gone in the meantime stays as it was, as with kubelets. */
  async #refresh(): Promise<void> {
    for (const volume of this.#volumes.filter(isFilled)) await this.#fill(volume).catch(() => {});
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#refresh(), REFRESH).unref();
  }
}

/** A directory that programs of any user can use; with a group, what they make in it belongs to the group. */
function makeWritable(directory: string, group: number | undefined): void {
  fs.mkdirSync(directory, { recursive: true });
  if (group !== undefined) fs.chownSync(directory, -1, group);
  fs.chmodSync(directory, group === undefined ? 0o777 : 0o2777);
}

function readableByGroup(payload: Payload): Payload {
  return new Map([...payload].map(([file, { data, mode }]) => [file, { data, mode: mode | 0o440 }]));
}

function isFilled({ configMap, secret, downwardAPI, projected }: Volume): boolean {
  return [configMap, secret, downwardAPI, projected].some((source) => source !== undefined);
}

function digestOf(payload: Payload): string {
  const hash = createHash('sha256');
  for (const [file, { data, mode }] of payload) hash.update(JSON.stringify([file, mode, data.length])).update(data);
  return hash.digest('base64');
}

function withinVolume(inside: string): string {
  if (!inside.split('/').includes('..')) return inside;
  throw new PodwireError('LAB_VOLUME', `subPath ${JSON.stringify(inside)} leads out of the volume`);
}

function prepareHostPath({ path: at, type = '' }: NonNullable<Volume['hostPath']>): void {
  if (type === 'DirectoryOrCreate') fs.mkdirSync(at, { recursive: true });
  if (type === 'FileOrCreate') fs.appendFileSync(at, '');
  if (!fs.existsSync(at)) throw new PodwireError('LAB_VOLUME', `hostPath ${at} does not exist on this machine`);
}

/** The one user all containers run as, root unless they all say so, and the pod's group of volumes. */
function ownerOf({ spec }: Pod): Owner {
  const users = (spec?.containers ?? []).map((c) => c.securityContext?.runAsUser ?? spec?.securityContext?.runAsUser);
  const [uid] = users;
  const gid = spec?.securityContext?.fsGroup;
  const isOne = uid !== undefined && users.every((user) => user === uid);
  return { ...(isOne ? { uid } : {}), ...(gid === undefined ? {} : { gid }) };
}
