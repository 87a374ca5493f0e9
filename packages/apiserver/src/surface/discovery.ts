import { type Kind, type KindId, parseApiVersion } from '@podwire/kube';
import { compareVersions } from '../custom/definition/version-order.ts';

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

const READ_VERBS = ['get', 'list'];
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const UPDATE = ['get', 'patch', 'update'];
const PROXY = ['create', 'delete', 'get', 'patch', 'update'];
const COMMON_SUBRESOURCES = {
  status: { name: 'status', verbs: UPDATE },
  scale: { name: 'scale', verbs: UPDATE, returns: { group: 'autoscaling', version: 'v1', kind: 'Scale' } },
} as const;

function option(name: string, kind: string, verbs = ['create', 'get']): Subresource {
  return { name, verbs, returns: { group: '', version: 'v1', kind } };
}

/** Beside status and scale. */
const SUBRESOURCES: Partial<Record<KindId, readonly Subresource[]>> = {
  Pod: [
    option('attach', 'PodAttachOptions'),
    option('binding', 'Binding', ['create']),
    { name: 'ephemeralcontainers', verbs: UPDATE },
    { name: 'eviction', verbs: ['create'], returns: { group: 'policy', version: 'v1', kind: 'Eviction' } },
    option('exec', 'PodExecOptions'),
    { name: 'log', verbs: ['get'] },
    option('portforward', 'PodPortForwardOptions'),
    option('proxy', 'PodProxyOptions', PROXY),
    { name: 'resize', verbs: UPDATE },
  ],
  Service: [option('proxy', 'ServiceProxyOptions', PROXY)],
  Node: [option('proxy', 'NodeProxyOptions', PROXY)],
  Namespace: [{ name: 'finalize', verbs: ['update'] }],
  CertificateSigningRequest: [{ name: 'approval', verbs: UPDATE }],
  ServiceAccount: [
    {
      name: 'token',
      verbs: ['create'],
      returns: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
    },
  ],
};

/** Questions that are answered, not stored. */
const REVIEWS: readonly GroupVersion[] = [
  { group: 'authentication.k8s.io', version: 'v1', resources: [review('SelfSubjectReview'), review('TokenReview')] },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    resources: [
      review('LocalSubjectAccessReview', true),
      review('SelfSubjectAccessReview'),
      review('SelfSubjectRulesReview'),
      review('SubjectAccessReview'),
    ],
  },
];

/** The old way to bind pods: asked for, not stored. */
const BINDINGS: Resource = {
  ...{ plural: 'bindings', singular: 'binding', kind: 'Binding', namespaced: true, verbs: ['create'] },
  ...{ shortNames: [], categories: [], subresources: [] },
};

function review(kind: string, namespaced = false): Resource {
  const singular = kind.toLowerCase();
  const base = { plural: `${singular}s`, singular, kind, namespaced, verbs: ['create'] };
  return { ...base, shortNames: [], categories: [], subresources: [] };
}

/** All group versions, in the order of kinds; versions that are not the stored ones last. */
export function groupVersions(kinds: readonly Kind[]): GroupVersion[] {
  const found = new Map<string, { group: string; version: string; resources: Resource[] }>();
  const others = kinds.flatMap((kind) => kind.otherVersions.map((apiVersion) => [apiVersion, kind] as const));
  for (const [apiVersion, kind] of [...kinds.map((kind) => [kind.apiVersion, kind] as const), ...others]) {
    const { group, version } = parseApiVersion(apiVersion);
    const entry = found.get(apiVersion) ?? { group, version, resources: [] };
    // A short name belongs to one group version, or kubectl warns that it is ambiguous.
    entry.resources.push(
      apiVersion === preferredVersion(kind) ? resourceOf(kind) : { ...resourceOf(kind), shortNames: [] },
    );
    found.set(apiVersion, entry);
  }
  found.get('v1')?.resources.unshift(BINDINGS);
  const groups = Map.groupBy(found.values(), ({ group }) => group);
  const preferred = [...groups.values()].flatMap((all) => all.sort((a, b) => compareVersions(a.version, b.version)));
  return [...preferred, ...REVIEWS];
}

/** Of the versions in the group it is stored in, the one clients are to use. */
function preferredVersion({ group, apiVersion, otherVersions }: Kind): string {
  const own = [apiVersion, ...otherVersions].map(parseApiVersion).filter((one) => one.group === group);
  const [first = ''] = own.map(({ version }) => version).sort(compareVersions);
  return group ? `${group}/${first}` : first;
}

function verbsOf({ id, isReadOnly }: Kind): readonly string[] {
  if (isReadOnly) return READ_VERBS;
  return id === 'Namespace' ? VERBS.filter((verb) => verb !== 'deletecollection') : VERBS;
}

function resourceOf(kind: Kind): Resource {
  const { plural, singular, namespaced, shortNames, categories, subresources } = kind;
  return {
    plural,
    singular,
    kind: kind.kind,
    namespaced,
    verbs: verbsOf(kind),
    shortNames,
    categories,
    subresources: [...(SUBRESOURCES[kind.id] ?? []), ...subresources.map((name) => COMMON_SUBRESOURCES[name])],
  };
}

/** Subresources that are objects of the resource's own kind: status, and for pods what may change while they run. */
export function ownParts(kind: Kind): readonly string[] {
  const { subresources } = resourceOf(kind);
  return subresources.filter(({ returns, verbs }) => !returns && verbs === UPDATE).map(({ name }) => name);
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
