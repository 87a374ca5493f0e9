import type { Kind } from '@podwire/kube';

/** One resource of a group version, as discovery describes it. */
export interface Resource {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
}

interface Subresource {
  readonly name: string;
  readonly verbs: readonly string[];
  /** Absent: the resource's own kind. */
  readonly returns?: { readonly group: string; readonly version: string; readonly kind: string };
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly Resource[];
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const UPDATE = ['get', 'patch', 'update'];
const STATUS: Subresource = { name: 'status', verbs: UPDATE };
const SCALE: Subresource = {
  name: 'scale',
  verbs: UPDATE,
  returns: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
};

function option(name: string, kind: string, verbs = ['create', 'get']): Subresource {
  return { name, verbs, returns: { group: '', version: 'v1', kind } };
}

const SUBRESOURCES: Readonly<Record<string, readonly Subresource[]>> = {
  pods: [
    option('attach', 'PodAttachOptions'),
    option('binding', 'Binding', ['create']),
    { name: 'eviction', verbs: ['create'], returns: { group: 'policy', version: 'v1', kind: 'Eviction' } },
    option('exec', 'PodExecOptions'),
    { name: 'log', verbs: ['get'] },
    option('portforward', 'PodPortForwardOptions'),
    STATUS,
  ],
  namespaces: [{ name: 'finalize', verbs: ['update'] }, STATUS],
  nodes: [STATUS],
  services: [STATUS],
  deployments: [SCALE, STATUS],
  replicasets: [SCALE, STATUS],
  statefulsets: [SCALE, STATUS],
  daemonsets: [STATUS],
  ingresses: [STATUS],
  servicecidrs: [STATUS],
};

/** Questions a client may ask about itself; they are answered, not stored. */
const REVIEWS: readonly GroupVersion[] = [
  { group: 'authentication.k8s.io', version: 'v1', resources: [review('SelfSubjectReview')] },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    resources: [review('SelfSubjectAccessReview'), review('SelfSubjectRulesReview')],
  },
];

function review(kind: string): Resource {
  const singular = kind.toLowerCase();
  const base = { plural: `${singular}s`, singular, kind, namespaced: false, verbs: ['create'] };
  return { ...base, shortNames: [], categories: [], subresources: [] };
}

/** All group versions, in the order of kinds, later versions of a group last. */
export function groupVersions(
  kinds: readonly Kind[],
  older: readonly [apiVersion: string, kind: Kind][],
): GroupVersion[] {
  const found = new Map<string, { group: string; version: string; resources: Resource[] }>();
  const all = [...kinds.map((kind) => [kind.apiVersion, kind] as const), ...older];
  for (const [apiVersion, kind] of all) {
    const [group = '', version = apiVersion] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const entry = found.get(apiVersion) ?? { group, version, resources: [] };
    // A short name belongs to one group version, or kubectl warns that it is ambiguous.
    entry.resources.push(apiVersion === kind.apiVersion ? resourceOf(kind) : { ...resourceOf(kind), shortNames: [] });
    found.set(apiVersion, entry);
  }
  return [...found.values(), ...REVIEWS];
}

function resourceOf(kind: Kind): Resource {
  const { plural, singular, namespaced, shortNames, inAll } = kind;
  const subresources = SUBRESOURCES[plural] ?? [];
  return {
    plural,
    singular,
    kind: kind.kind,
    namespaced,
    verbs: VERBS,
    shortNames,
    categories: inAll ? ['all'] : [],
    subresources,
  };
}

/** apidiscovery.k8s.io APIGroupDiscoveryList of `/api` or `/apis`. */
export function aggregatedDiscovery(all: readonly GroupVersion[], apiVersion: 'v2' | 'v2beta1'): object {
  const groups = [...new Set(all.map(({ group }) => group))];
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${apiVersion}`,
    metadata: {},
    items: groups.map((name) => ({
      metadata: name ? { name } : {},
      versions: all.filter(({ group }) => group === name).map(aggregatedVersion),
    })),
  };
}

function aggregatedVersion({ group, version, resources }: GroupVersion): object {
  return {
    version,
    freshness: 'Current',
    resources: resources.map((resource) => {
      const responseKind = { group, version, kind: resource.kind };
      const { plural, singular, namespaced, verbs, shortNames, categories, subresources } = resource;
      return {
        resource: plural,
        responseKind,
        scope: namespaced ? 'Namespaced' : 'Cluster',
        singularResource: singular,
        verbs,
        ...(shortNames.length > 0 ? { shortNames } : {}),
        ...(categories.length > 0 ? { categories } : {}),
        ...(subresources.length > 0
          ? {
              subresources: subresources.map(({ name, verbs: own, returns }) => ({
                subresource: name,
                responseKind: returns ?? responseKind,
                verbs: own,
              })),
            }
          : {}),
      };
    }),
  };
}

/** APIResourceList of one group version. */
export function resourceList({ group, version, resources }: GroupVersion): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group ? `${group}/${version}` : version,
    resources: resources.flatMap(
      ({ plural, singular, kind, namespaced, verbs, shortNames, categories, subresources }) => [
        {
          name: plural,
          singularName: singular,
          namespaced,
          kind,
          verbs,
          ...(shortNames.length > 0 ? { shortNames } : {}),
          ...(categories.length > 0 ? { categories } : {}),
        },
        ...subresources.map(({ name, verbs: own, returns }) => ({
          name: `${plural}/${name}`,
          singularName: '',
          namespaced,
          verbs: own,
          kind: returns?.kind ?? kind,
          ...(returns && returns.group !== group ? { group: returns.group, version: returns.version } : {}),
        })),
      ],
    ),
  };
}

function apiGroup(name: string, all: readonly GroupVersion[]): object {
  const versions = all
    .filter(({ group }) => group === name)
    .map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
}

/** APIGroupList of `/apis`. */
export function groupList(all: readonly GroupVersion[]): object {
  const names = [...new Set(all.map(({ group }) => group).filter(Boolean))];
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: names.map((name) => apiGroup(name, all)) };
}

/** APIGroup of `/apis/GROUP`. */
export function singleGroup(name: string, all: readonly GroupVersion[]): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(name, all) };
}
