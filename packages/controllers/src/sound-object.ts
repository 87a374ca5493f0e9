import type { KindName } from '@podwire/kube';

/** Kinds that controllers read many of at once, so that one could spoil the work on all. */
export const READ_TOGETHER: ReadonlySet<KindName> = new Set([
  ...(['Pod', 'Node', 'Namespace', 'Service', 'Endpoints', 'EndpointSlice', 'ConfigMap'] as const),
  ...(['ReplicationController', 'ReplicaSet', 'Deployment', 'DaemonSet', 'StatefulSet', 'Job', 'CronJob'] as const),
  'PodDisruptionBudget',
]);

/** What fields of these names hold in all those kinds. Others are left to those who read them. */
const SHAPES = new Map<string, 'map' | 'objects' | 'texts' | 'list'>([
  ...shape('map', 'metadata spec status template jobTemplate strategy updateStrategy rollingUpdate requests'),
  ...shape('map', 'labels annotations selector matchLabels nodeSelector labelSelector namespaceSelector allocatable'),
  ...shape(
    'map',
    'affinity nodeAffinity podAffinity podAntiAffinity podAffinityTerm preference ordinals disruptedPods',
  ),
  ...shape('objects', 'ownerReferences containers initContainers containerStatuses initContainerStatuses tolerations'),
  ...shape(
    'objects',
    'taints conditions requiredDuringSchedulingIgnoredDuringExecution schedulingGates topologySpreadConstraints nodeSelectorTerms matchExpressions',
  ),
  ...shape('objects', 'matchFields preferredDuringSchedulingIgnoredDuringExecution volumes volumeClaimTemplates env'),
  ...shape('objects', 'ports endpoints subsets podIPs addresses'),
  ...shape('list', 'values'),
  ...shape('texts', 'finalizers podCIDRs matchLabelKeys ipFamilies'),
]);
const REQUIRED_TERMS = 'requiredDuringSchedulingIgnoredDuringExecution';
/** Where the same name stands for something else: a volume may name its endpoints, a claim the containers it is for. */
const ELSEWHERE: Readonly<Record<string, (parent: string) => boolean>> = {
  [REQUIRED_TERMS]: (parent) => parent === 'nodeAffinity',
  endpoints: (parent) => parent !== '',
  containers: (parent) => parent !== 'spec',
  conditions: (parent) => parent !== 'status',
};
/** Go writes a list that is empty as null; these a server lets through. */
const MAY_BE_NULL = new Set(['endpoints', 'ports']);
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function shape<S extends string>(word: S, names: string): [string, S][] {
  return names.split(' ').map((name) => [name, word]);
}

/**
 * Whether an object has the shape of its kind where controllers look: a server lets in no other, but a damaged store may
 * hold some; the parts of a status are not looked into. Returns the path of the first field that does not; undefined: all
 * is well.
 */
export function unsoundField(object: object): string | undefined {
  return unsoundIn(object as Fields, '')?.join('.');
}

type Fields = Readonly<Record<string, unknown>>;

/** `parent`: the name of the field that holds these, empty at the top. Made to be quick where nothing is wrong. */
function unsoundIn(fields: Fields, parent: string): string[] | undefined {
  for (const name in fields) {
    const value = fields[name];
    if (typeof value !== 'object' && !SHAPES.has(name)) continue;
    if (!isShaped(name, value, parent)) return [name];
    if (typeof value !== 'object' || value === null || parent === 'status' || isFree(name, value)) continue;
    const inner = Array.isArray(value) ? unsoundItem(value, name) : unsoundIn(value as Fields, name);
    if (inner) return [name, ...inner];
  }
  return undefined;
}

function unsoundItem(items: readonly unknown[], parent: string): string[] | undefined {
  for (const [index, item] of items.entries()) {
    const inner = typeof item === 'object' && item !== null ? unsoundIn(item as Fields, parent) : undefined;
    if (inner) return [String(index), ...inner];
  }
  return undefined;
}

/** Maps whose keys are names of somebody else. */
const FREE = new Set([
  ...['labels', 'annotations', 'matchLabels', 'nodeSelector', 'data', 'binaryData', 'limits', 'requests', 'overhead'],
  ...[
    'allocatable',
    'capacity',
    'allocatedResources',
    'disruptedPods',
    'volumeAttributes',
    'options',
    'userAnnotations',
  ],
  ...['deprecatedTopology', 'allocatedResourceStatuses'],
]);

/** The selector of a Service is a map of labels, those of others have parts. */
function isFree(name: string, value: object): boolean {
  return FREE.has(name) || (name === 'selector' && !('matchLabels' in value || 'matchExpressions' in value));
}

function isShaped(name: string, value: unknown, parent: string): boolean {
  const shape = SHAPES.get(name);
  if (shape === undefined || (value === null && MAY_BE_NULL.has(name))) return true;
  switch (shape) {
    case 'map':
      // Those of an object, not those of one of its conditions.
      return isObject(value) || (name === 'status' && parent !== '');
    case 'objects':
      // Addresses of slices are texts, those of others objects.
      if (!ELSEWHERE[name]?.(parent)) return isListOf(value, name === 'addresses' ? isObjectOrText : isObject);
      return name !== REQUIRED_TERMS || isObject(value);
    case 'list':
      return Array.isArray(value);
    default:
      return isListOf(value, (item) => typeof item === 'string');
  }
}

const isObjectOrText = (item: unknown): boolean => isObject(item) || typeof item === 'string';

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}
