import type { PodwireError } from '@podwire/base';
import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import { failure } from '../core/status.ts';
import type { User } from '../seam.ts';
import { type Attributes, cannotText } from './attributes.ts';
import type { RbacIndex } from './rbac-index.ts';

export interface Decision {
  readonly allowed: boolean;
  /** Which binding allows it, or which bindings name roles that are not there. */
  readonly reason: string;
}

/** Members may do everything, whatever the roles say: nobody can lock themselves out. */
export const MASTERS = 'system:masters';

/**
 * Answers whether a user may do something: role based access control.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
export class Authorizer {
  readonly index: RbacIndex;

  constructor(index: RbacIndex) {
    this.index = index;
  }

  decide(user: User, asked: Attributes): Decision {
    if (user.groups.includes(MASTERS)) return { allowed: true, reason: '' };
    const subjects = this.index.grantsOf(user, asked.resource?.namespace ?? '');
    for (const grants of subjects) {
      const reason = grants.find(asked);
      if (reason !== undefined) return { allowed: true, reason: `RBAC: allowed by ${reason}` };
    }
    const missing = new Set(subjects.flatMap((grants) => grants.missing));
    if (missing.size === 0) return { allowed: false, reason: '' };
    const [first] = missing;
    return { allowed: false, reason: `RBAC: ${missing.size === 1 ? first : `[${[...missing].join(', ')}]`}` };
  }

  allows(user: User, asked: Attributes): boolean {
    return this.decide(user, asked).allowed;
  }

  /** Throws 403. */
  require(user: User, asked: Attributes): void {
    const { allowed, reason } = this.decide(user, asked);
    if (!allowed) throw forbiddenTo(user, asked, reason);
  }

  /** All rules the user has at the cluster scope, and in the namespace unless it is empty. */
  rulesOf(user: User, namespace: string): readonly PolicyRule[] {
    return this.index.grantsOf(user, namespace).flatMap((grants) => grants.rules());
  }
}

/** 403 in the words of the Kubernetes API server. */
function forbiddenTo(user: User, asked: Attributes, reason: string): PodwireError {
  const why = [cannotText(user, asked), reason].filter(Boolean).join(': ');
  const { resource } = asked;
  if (!resource) return failure(403, 'Forbidden', `forbidden: ${why}`, {});
  const { group, resource: plural, name } = resource;
  const what = group ? `${plural}.${group}` : plural;
  const details = { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: plural };
  return failure(403, 'Forbidden', `${what}${name ? ` ${JSON.stringify(name)}` : ''} is forbidden: ${why}`, details);
}
