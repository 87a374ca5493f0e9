import type { ApiObject } from '../seam.ts';
import { timestamp } from './lifecycle.ts';
import { conflict } from './status.ts';

interface BoundStatus {
  readonly conditions?: readonly { readonly type?: string }[];
  readonly nominatedNodeName?: string;
}

/** The pod on its node. Throws 409. */
export function boundPod(pod: ApiObject, nodeName: string): ApiObject {
  const spec = pod.spec as { readonly nodeName?: string };
  const { name = '', deletionTimestamp } = pod.metadata;
  const binding = { group: '', plural: 'pods/binding' };
  if (deletionTimestamp) throw conflict(binding, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (spec.nodeName)
    throw conflict(binding, name, `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  // It has what it was promised.
  const { nominatedNodeName: _, ...status } = (pod.status ?? {}) as BoundStatus;
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timestamp() };
  const conditions = [...(status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled'), scheduled];
  return { ...pod, spec: { ...spec, nodeName }, status: { ...status, conditions } };
}
