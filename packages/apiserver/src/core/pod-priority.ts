import { kindNamed } from '@podwire/kube';
import type { PodSpec } from 'kubernetes-types/core/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import type { ApiObject } from '../seam.ts';
import { isObject } from './patches.ts';
import { forbidden } from './status.ts';
import type { Store } from './store.ts';

const POD = kindNamed('Pod');
const CLASS = kindNamed('PriorityClass');
const UNCLASSED = { value: 0, preemptionPolicy: 'PreemptLowerPriority' } as const;

/**
 * A new pod with the priority of its class, or of the class that is the default. Throws 403 for a class that does not
 * exist and for numbers that are not those of the class: users choose among classes, not among numbers.
 */
export function withPriority(pod: ApiObject, store: Store): ApiObject {
  // What is not shaped like a pod is left for the validation to report.
  if (!isObject(pod.spec)) return pod;
  const spec = pod.spec as Partial<PodSpec>;
  const name = pod.metadata.name ?? '';
  const found = classOf(spec.priorityClassName, store);
  if (spec.priorityClassName && !found) {
    throw forbidden(POD, name, `no PriorityClass with name ${spec.priorityClassName} was found`);
  }
  const { value = 0, preemptionPolicy = UNCLASSED.preemptionPolicy } = found ?? UNCLASSED;
  requireSame(pod, `the integer value of priority (${spec.priority})`, [spec.priority, value]);
  const given = `the string value of PreemptionPolicy (${spec.preemptionPolicy})`;
  requireSame(pod, given, [spec.preemptionPolicy, preemptionPolicy]);
  const className = found?.metadata?.name ?? spec.priorityClassName;
  const priorityClassName = className ? { priorityClassName: className } : {};
  return { ...pod, spec: { ...spec, ...priorityClassName, priority: value, preemptionPolicy } };
}

/** Of several defaults the lowest counts. */
function classOf(name: string | undefined, store: Store): PriorityClass | undefined {
  if (name) return store.latest('PriorityClass', name) as unknown as PriorityClass | undefined;
  const defaults = (store.latestOf('PriorityClass') as unknown as PriorityClass[]).filter((one) => one.globalDefault);
  return defaults.sort((a, b) => a.value - b.value)[0];
}

function requireSame(pod: ApiObject, given: string, [value, computed]: readonly [unknown, string | number]): void {
  if (value === undefined || value === null || value === computed) return;
  const why = `priority admission controller computed ${computed} from the given PriorityClass name`;
  throw forbidden(POD, pod.metadata.name ?? '', `${given} must not be provided in pod spec; ${why}`);
}

/** Throws 403 when another class is the default already. */
export function checkDefaultClass(object: ApiObject, store: Store): void {
  if ((object as { globalDefault?: boolean }).globalDefault !== true) return;
  const { name = '' } = object.metadata;
  const other = (store.latestOf('PriorityClass') as unknown as PriorityClass[]).find(
    ({ globalDefault, metadata }) => globalDefault && metadata?.name !== name,
  )?.metadata?.name;
  if (other === undefined) return;
  throw forbidden(CLASS, name, `PriorityClass ${other} is already marked as default. Only one default can exist`);
}
