import type { Kind } from '@podwire/kube';
import type { ApiObject, Aside, User } from '../seam.ts';

/** What admission has a say in. */
export interface Attempt {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** Of the resource. */
  readonly kind: Kind;
  readonly subresource?: string | undefined;
  /** Of the stored version. Absent when it is deleted. */
  readonly object?: ApiObject | undefined;
  /** Absent when it is new. */
  readonly old?: ApiObject | undefined;
  /** Where the objects are not of the resource's own kind (Scale, Binding): what they belong to. */
  readonly owner?: { readonly name: string; readonly namespace?: string | undefined } | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  /** The version the client wrote in; absent: that the kind is stored in. */
  readonly apiVersion?: string | undefined;
  /** CreateOptions, UpdateOptions or DeleteOptions of the request. */
  readonly options?: object | undefined;
}

/** What those are told who have a say. */
export interface Listener {
  /** Gets the texts of Warning headers. */
  readonly warn: (text: string) => void;
  /** Gets what is to be in the line of the audit file. */
  readonly annotate?: ((key: string, value: string) => void) | undefined;
  /** Waits for a webhook; absent: just so. */
  readonly aside?: Aside | undefined;
}

/** Name and namespace of what it is about; both empty for none. */
export function placeOf({ owner, object, old }: Attempt): { readonly name: string; readonly namespace: string } {
  const { name = '', namespace = '' } = owner ?? (object ?? old)?.metadata ?? {};
  return { name, namespace };
}

/** All of an AdmissionRequest (admission.k8s.io/v1) but uid and objects, for whom it is of a version of its kind. */
export function requestOf(attempt: Attempt, apiVersion: string): Readonly<Record<string, unknown>> {
  const { kind, operation, subresource, user, dryRun, options } = attempt;
  const asked = attempt.apiVersion ?? kind.apiVersion;
  const { name: username, groups, uid, extra } = user;
  const sub = subresource === undefined ? {} : { subResource: subresource };
  const requestSub = subresource === undefined ? {} : { requestSubResource: subresource };
  const { name, namespace } = placeOf(attempt);
  return {
    ...{ kind: kindOf(attempt, apiVersion), resource: { ...versionOf(apiVersion), resource: kind.plural }, ...sub },
    requestKind: kindOf(attempt, asked),
    ...{ requestResource: { ...versionOf(asked), resource: kind.plural }, ...requestSub },
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    operation,
    userInfo: { username, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) },
    ...{ dryRun, options: options ?? null },
  };
}

function kindOf({ kind, owner, object, old }: Attempt, apiVersion: string): object {
  const own = owner ? (object ?? old) : undefined;
  return { ...versionOf(own?.apiVersion ?? apiVersion), kind: own?.kind ?? kind.kind };
}

/** `apps/v1` in its parts. */
export function versionOf(apiVersion: string): { readonly group: string; readonly version: string } {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version };
}
