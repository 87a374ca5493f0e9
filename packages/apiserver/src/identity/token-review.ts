import type { Review } from '../authorization/reviews.ts';
import { badRequest } from '../core/status.ts';
import type { User } from '../seam.ts';
import type { Authenticator } from './authenticator.ts';
import type { Authenticated } from './service-account-tokens.ts';

const GROUP = 'authentication.k8s.io';
const INVALID = 'invalid bearer token';

/** `kubectl auth whoami`, and what others ask about tokens they were given. */
export function identityReviews(authenticator: Authenticator): readonly Review[] {
  return [
    {
      group: GROUP,
      kind: 'SelfSubjectReview',
      answer: ({ user }) => ({ status: { userInfo: userInfo(user) } }),
    },
    {
      group: GROUP,
      kind: 'TokenReview',
      answer: ({ body }) => {
        const { token = '', audiences = [] } = (body.spec ?? {}) as { token?: string; audiences?: readonly string[] };
        if (!token) throw badRequest('token is required for TokenReview in authentication');
        const status = verdict(authenticator.userOfToken(token, audiences));
        return { spec: { token, ...(audiences.length > 0 ? { audiences } : {}) }, status };
      },
    },
  ];
}

function verdict(found: Authenticated): object {
  if (!('refused' in found)) return { authenticated: true, user: userInfo(found.user), audiences: found.audiences };
  const { refused } = found;
  return { user: {}, error: refused === INVALID ? INVALID : `[${INVALID}, ${refused}]` };
}

function userInfo({ name, uid, groups, extra }: User): object {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}
