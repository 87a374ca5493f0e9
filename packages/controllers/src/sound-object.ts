import type { KindName } from '@podwire/kube';

/** Kinds that controllers read many of at once, so that one could spoil the work on all. */
export const READ_TOGETHER: ReadonlySet<KindName> = new Set([
  ...(['Pod', 'Node', 'Namespace', 'Service', 'Endpoints', 'EndpointSlice', 'ConfigMap'] as const),
  ...(['ReplicationController', 'ReplicaSet', 'Deployment', 'DaemonSet', 'StatefulSet', 'Job', 'CronJob'] as const),
  'PodDisruptionBudget',
]);

/** What fields of these names hold in all those kinds. Others are left to those who read them. */
const SHAPES: Readonly<Record<string, 'map' | 'objects' | 'texts' | 'list'>> = {
  ...shape('map', 'metadata spec template jobTemplate strategy updateStrategy rollingUpdate requests'),
  ...shape('map', 'labels annotations selector matchLabels nodeSelector labelSelector namespaceSelector allocatable'),
  ...shape(
    'map',
    'affinity nodeAffinity podAffinity podAntiAffinity podAffinityTerm preference ordinals disruptedPods',
  ),
  ...shape('objects', 'ownerReferences containers initContainers containerStatuses initContainerStatuses tolerations'),
  ...shape('objects', 'taints schedulingGates topologySpreadConstraints nodeSelectorTerms matchExpressions'),
  ...shape('objects', 'matchFields preferredDuringSchedulingIgnoredDuringExecution volumes volumeClaimTemplates env'),
  ...shape('objects', 'ports endpoints subsets podIPs addresses'),
  ...shape('list', 'values'),
  ...shape('texts', 'finalizers podCIDRs matchLabelKeys ipFamilies'),
};
const REQUIRED_TERMS = 'requiredDuringSchedulingIgnoredDuringExecution';
/** Go writes a list that is empty as null; these a server lets through. */
const MAY_BE_NULL = new Set(['endpoints', 'ports']);
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function shape<S extends string>(word: S, names: string): Record<string, S> {
  return Object.fromEntries(names.split(' ').map((name) => [name, word]));
}

/**
 * Whether an object has the shape of its kind where controllers look: a server lets in no other, but a damaged store may
 * hold some; the parts of a status are not looked into. Returns the path of the first field that does not; undefined: all is well.
 */
export function unsoundField(object: object, at = ''): string | undefined {
  for (const [name, value] of Object.entries(object)) {
    const path = Array.isArray(object) ? `${at}[${name}]` : `${at}${at ? '.' : ''}${name}`;
    if (!isShaped(name, value, at)) return path;
    const inner =
      typeof value === 'object' && value !== null && at !== 'status' && !isFree(name, value)
        ? unsoundField(value, path)
        : undefined;
    if (inner !== undefined) return inner;
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

function isShaped(name: string, value: unknown, at: string): boolean {
  if (value === null && MAY_BE_NULL.has(name)) return true;
  // A volume may name its endpoints, and a claim the containers it is for.
  if (name === 'endpoints' && at !== '') return true;
  if (name === 'containers' && !at.endsWith('spec')) return true;
  if (name === REQUIRED_TERMS) return at.endsWith('nodeAffinity') ? isObject(value) : isListOf(value, isObject);
  // Those of an object, not those of one of its conditions.
  if (name === 'status') return at !== '' || isObject(value);
  if (name === 'conditions') return at === 'status' ? isListOf(value, isObject) : true;
  switch (Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined) {
    case 'map':
      return isObject(value);
    case 'objects':
      // Addresses of slices are texts, those of others objects.
      return isListOf(value, (item) => isObject(item) || (name === 'addresses' && typeof item === 'string'));
    case 'list':
      return Array.isArray(value);
    case 'texts':
      return isListOf(value, (item) => typeof item === 'string');
    default:
      return true;
  }
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}
