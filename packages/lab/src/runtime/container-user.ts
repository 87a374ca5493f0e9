import { PodwireError } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import type { Container } from './container-environment.ts';

/** As whom programs of a container run; absent: root. */
export interface ContainerUser {
  readonly uid?: number;
  readonly gid?: number;
  /** Further groups. */
  readonly groups?: readonly number[];
}

/** The security contexts of pod and container together. Throws LAB_CONTAINER_CONFIG for a root that must not be one. */
export function userOf({ metadata, spec }: Pod, { name, securityContext: own }: Container): ContainerUser {
  const of = spec?.securityContext;
  const uid = own?.runAsUser ?? of?.runAsUser;
  const gid = own?.runAsGroup ?? of?.runAsGroup;
  if (uid === 0 && (own?.runAsNonRoot ?? of?.runAsNonRoot)) {
    const pod = `${metadata?.name}_${metadata?.namespace}(${metadata?.uid})`;
    const why = `container's runAsUser breaks non-root policy (pod: "${pod}", container: ${name})`;
    throw new PodwireError('LAB_CONTAINER_CONFIG', why);
  }
  const groups = [...new Set([...(of?.supplementalGroups ?? []), ...(of?.fsGroup === undefined ? [] : [of.fsGroup])])];
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(groups.length === 0 ? {} : { groups }),
  };
}

/** The command line that gives a program this user and these groups: spawn(2) of Node takes groups away. */
export function commandAs({ uid = 0, gid = 0, groups = [] }: ContainerUser, argv: readonly string[]): string[] {
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, `--groups=${groups.join(',')}`, '--', ...argv];
}
