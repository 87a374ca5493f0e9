import type { Condition } from 'kubernetes-types/meta/v1.js';

export type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Conditions of other types stay, and so does the time of those whose status does. */
export function withConditions(present: readonly Condition[], said: readonly Said[], generation?: number): Condition[] {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const others = present.filter(({ type }) => !said.some((one) => one.type === type));
  const next = said.map((one): Condition => {
    const before = present.find(({ type }) => type === one.type);
    const lastTransitionTime = before?.status === one.status ? before.lastTransitionTime : now;
    return {
      ...one,
      lastTransitionTime: lastTransitionTime as never,
      ...(generation !== undefined && { observedGeneration: generation }),
    };
  });
  return [...others, ...next];
}
