import type { ResourceAttributes } from '../authorization/attributes.ts';
import type { Asked } from '../core/http-request.ts';

/** What the metrics of requests tell apart, as the Kubernetes API server does. */
export interface RequestLabels {
  readonly verb: string;
  readonly dry_run: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
  readonly component: string;
}

const METHODS: ReadonlySet<string> = new Set('GET HEAD POST PUT PATCH DELETE OPTIONS'.split(' '));
const VERBS: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
};
const CONNECTIONS: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);
const SUBRESOURCES: ReadonlySet<string> = new Set([
  ...CONNECTIONS,
  ...'status scale log eviction binding token finalize approval ephemeralcontainers resize'.split(' '),
]);
/** What clients may name freely is no label: there are only as many series as the server has resources and verbs. */
export function requestLabels({ attributes, method, query, served }: Asked): RequestLabels {
  const { verb, resource } = attributes;
  const known = served && resource;
  const subresource = known && SUBRESOURCES.has(resource.subresource) ? resource.subresource : '';
  const own = CONNECTIONS.has(subresource) ? 'CONNECT' : (VERBS[verb] ?? 'other');
  return {
    verb: known ? own : METHODS.has(method) ? method : 'other',
    dry_run: query.getAll('dryRun').includes('All') ? 'All' : '',
    group: known ? resource.group : '',
    version: known ? resource.version : '',
    resource: known ? resource.resource : '',
    subresource,
    scope: known ? scopeOf(verb, resource) : '',
    component: 'apiserver',
  };
}

function scopeOf(verb: string, { name, namespace }: ResourceAttributes): string {
  if (name !== '' || verb === 'create') return 'resource';
  return namespace ? 'namespace' : 'cluster';
}

/** Whether it lasts as long as the client likes. */
export function isLongRunning({ verb, subresource }: RequestLabels): boolean {
  return verb === 'WATCH' || verb === 'CONNECT' || subresource === 'log';
}
