import type { ObjectOf } from './kinds.ts';

/** Whether the pod's containers have ended and will not be started again: phase Succeeded or Failed. */
export function isPodOver({ status }: Pick<ObjectOf<'Pod'>, 'status'>): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
