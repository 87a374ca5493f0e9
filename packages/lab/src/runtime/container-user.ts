import { PodwireError } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import type { Container } from './container-environment.ts';

/** As whom programs of a container run; absent: root. */
export interface ContainerUser {
  readonly uid?: number;
  readonly gid?: number;
  /** Further groups. */
  readonly groups?: readonly number[];
  /** Why an image of root must not be started; absent: it may. `uid` is then nobody's, for images whose user is not known. */
  readonly rootRefused?: string;
}

const NOBODY = 65_534;

/** The security contexts of pod and container together. Throws LAB_CONTAINER_CONFIG for a root that must not be one. */
export function userOf({ metadata, spec }: Pod, { name, securityContext: own }: Container): ContainerUser {
  const of = spec?.securityContext;
  const given = own?.runAsUser ?? of?.runAsUser;
  const gid = own?.runAsGroup ?? of?.runAsGroup;
  const nonRoot = own?.runAsNonRoot ?? of?.runAsNonRoot ?? false;
  const where = `(pod: "${metadata?.name}_${metadata?.namespace}(${metadata?.uid})", container: ${name})`;
  if (nonRoot && given === 0)
    throw new PodwireError('LAB_CONTAINER_CONFIG', `container's runAsUser breaks non-root policy ${where}`);
  const isRefused = nonRoot && given === undefined;
  const uid = isRefused ? NOBODY : given;
  const groups = [...new Set([...(of?.supplementalGroups ?? []), ...(of?.fsGroup === undefined ? [] : [of.fsGroup])])];
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(isRefused ? { rootRefused: `container has runAsNonRoot and image will run as root ${where}` } : {}),
  };
}

/** The command line that gives a program this user and these groups: spawn(2) of Node takes groups away. */
export function commandAs({ uid = 0, gid = 0, groups = [] }: ContainerUser, argv: readonly string[]): string[] {
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, `--groups=${groups.join(',')}`, '--', ...argv];
}
