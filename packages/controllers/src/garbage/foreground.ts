import type { Meta } from '../context.ts';
import { type Owned, type Ownership, ownersOf, uidOf } from './ownership.ts';

export const finalizersOf = ({ metadata }: Meta): readonly string[] => metadata?.finalizers ?? [];

/** Being deleted, once what it owns is. */
export const isWaiting = (object: Meta): boolean =>
  object.metadata?.deletionTimestamp !== undefined && finalizersOf(object).includes('foregroundDeletion');

/** Whether one that waits has dependents left that it has to wait for: not for those that wait for it themselves. */
export function holdsUp(owner: Owned, graph: Ownership): boolean {
  return blockers(owner, graph).some((dependent) => !waitsFor(dependent, owner, graph));
}

function blockers({ object }: Owned, graph: Ownership): Owned[] {
  const blocks = ({ uid, blockOwnerDeletion = false }: { uid: string; blockOwnerDeletion?: boolean }): boolean =>
    uid === uidOf(object) && blockOwnerDeletion;
  return graph.dependentsOf(object).filter((dependent) => ownersOf(dependent.object).some(blocks));
}

/** Whether the end of `one` is held up by `other`, at whatever distance; an object may own itself. */
function waitsFor(one: Owned, other: Owned, graph: Ownership): boolean {
  const goal = uidOf(other.object);
  const seen = new Set<string>();
  const open = [one];
  for (let next = open.pop(); next; next = open.pop()) {
    const uid = uidOf(next.object);
    if (uid === goal) return true;
    if (seen.has(uid) || !isWaiting(next.object)) continue;
    seen.add(uid);
    open.push(...blockers(next, graph));
  }
  return false;
}
