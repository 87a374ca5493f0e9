import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { isObject } from './patches.ts';
import { withPriority } from './pod-priority.ts';
import { forbidden } from './status.ts';
import type { Store } from './store.ts';

const POD = kindNamed('Pod');
/** What every namespace gets from a controller, which may come later than a pod or not run at all. */
const IMPLIED_ACCOUNT = 'default';

/** A new pod with what the objects it names say of it. Throws 403 when one of them does not exist. */
export function admittedPod(pod: ApiObject, store: Store): ApiObject {
  if (isObject(pod.spec)) requireNamed(pod, pod.spec, store);
  return withPriority(pod, store);
}

function requireNamed({ metadata }: ApiObject, spec: Record<string, unknown>, store: Store): void {
  const { name = '', namespace = '' } = metadata;
  const account = spec.serviceAccountName || spec.serviceAccount;
  const isThere = (one: unknown) => store.latest('ServiceAccount', `${namespace}/${one}`) !== undefined;
  if (account && account !== IMPLIED_ACCOUNT && !isThere(account)) {
    const why = `serviceaccount "${account}" not found`;
    throw forbidden(POD, name, `error looking up service account ${namespace}/${account}: ${why}`);
  }
  const runtime = spec.runtimeClassName;
  if (runtime && !store.latest('RuntimeClass', String(runtime)))
    throw forbidden(POD, name, `pod rejected: RuntimeClass "${runtime}" not found`);
}
