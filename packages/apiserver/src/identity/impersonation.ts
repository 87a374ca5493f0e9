import type { Attributes } from '../authorization/attributes.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { badRequest } from '../core/status.ts';
import type { User } from '../seam.ts';
import { accountGroups } from './service-account-tokens.ts';

const EXTRA = 'impersonate-extra-';

interface Wanted {
  readonly name: string | undefined;
  readonly groups: readonly string[];
  readonly uid: string | undefined;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/**
 * Who a request acts as: the user itself, or whom its Impersonate-* headers name (`kubectl --as`), if roles give the
 * user the verb `impersonate` on each of them. Takes headers as a flat list of names and values, since a group's name
 * may hold the comma that joins headers. Throws 400 and 403.
 */
export function actingUser(user: User, rawHeaders: readonly string[], authorizer: Authorizer): User {
  const wanted = wantedIn(rawHeaders);
  if (!wanted) return user;
  const { name, groups, uid, extra } = wanted;
  if (!name) throw badRequest('requested to impersonate groups, a uid or extra fields without impersonating a user');
  for (const asked of asks(wanted)) authorizer.require(user, asked);
  const account = serviceAccountOf(name);
  const given = account && groups.length === 0 ? accountGroups(account.namespace) : groups;
  const everybody = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  const all = given.includes(everybody) ? given : [...given, everybody];
  return { name, groups: all, uid, extra: Object.keys(extra).length > 0 ? extra : undefined };
}

function wantedIn(rawHeaders: readonly string[]): Wanted | undefined {
  let found = false;
  const values = new Map<string, string[]>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const header = (rawHeaders[i] ?? '').toLowerCase();
    if (!header.startsWith('impersonate-')) continue;
    found = true;
    values.set(header, [...(values.get(header) ?? []), rawHeaders[i + 1] ?? '']);
  }
  if (!found) return undefined;
  const extra = [...values].filter(([header]) => header.startsWith(EXTRA));
  return {
    name: values.get('impersonate-user')?.[0],
    groups: values.get('impersonate-group') ?? [],
    uid: values.get('impersonate-uid')?.[0],
    extra: Object.fromEntries(extra.map(([header, list]) => [decodeKey(header.slice(EXTRA.length)), list])),
  };
}

function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What the impersonator has to be allowed. */
function* asks({ name = '', groups, uid, extra }: Wanted): Generator<Attributes> {
  const account = serviceAccountOf(name);
  if (account) yield impersonate({ resource: 'serviceaccounts', ...account });
  else yield impersonate({ resource: 'users', name });
  for (const group of groups) yield impersonate({ resource: 'groups', name: group });
  const group = 'authentication.k8s.io';
  if (uid !== undefined) yield impersonate({ group, resource: 'uids', name: uid });
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) yield impersonate({ group, resource: 'userextras', subresource: key, name: value });
  }
}

function impersonate(what: Partial<NonNullable<Attributes['resource']>>): Attributes {
  const resource = { group: '', version: 'v1', resource: '', subresource: '', namespace: '', name: '', ...what };
  return { verb: 'impersonate', resource, path: '' };
}

function serviceAccountOf(user: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return namespace && name ? { namespace, name } : undefined;
}
