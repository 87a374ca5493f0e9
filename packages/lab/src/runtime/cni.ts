/** One interface of one sandbox; with containerId it is the key of an attachment. */
export interface CniAttachment {
  readonly containerId: string;
  /** Path of the network namespace. */
  readonly netns: string;
  readonly ifName: string;
  readonly podNamespace: string;
  readonly podName: string;
  readonly podUid: string;
}

/** The two CNI verbs a pod runtime needs. */
export interface Cni {
  /** The addresses given, first the primary one. When it resolves the pod's network is in force (POD-19). */
  add(attachment: CniAttachment): Promise<{ readonly ips: readonly string[] }>;
  /** Idempotent (POD-4). */
  del(attachment: CniAttachment): Promise<void>;
}
