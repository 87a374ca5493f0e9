import { createHash } from 'node:crypto';
import { IMPORT_NAME_LABEL, type ObjectOf, SOURCE_CLUSTER_LABEL } from '@podwire/kube';
import { nameOf, namespaceOf } from '../context.ts';
import { MANAGED_BY } from '../slices.ts';

type EndpointSlice = ObjectOf<'EndpointSlice'>;
type Endpoint = EndpointSlice['endpoints'][number];

const MULTICLUSTER = 'multicluster.podwire.io';

/** Where a slice comes from, and whose it becomes. */
export interface SliceOrigin {
  readonly cluster: string;
  /** Whether that cluster is this one, where nodes and pods are known by the same names. */
  readonly isLocal: boolean;
  readonly owner: ObjectOf<'ServiceImport'>;
}

/**
 * The slice of a ServiceImport that says what a slice of an exported Service says. Its name follows from the cluster and
 * the name there, so that a controller without memory finds it again.
 */
export function importedSlice(slice: EndpointSlice, { cluster, isLocal, owner }: SliceOrigin): EndpointSlice {
  const digest = createHash('sha256')
    .update(`${cluster}/${nameOf(slice)}`)
    .digest('hex')
    .slice(0, 10);
  const service = nameOf(owner);
  return {
    metadata: {
      ...{ name: `${service}-${digest}`, namespace: namespaceOf(owner) },
      labels: {
        ...{ [IMPORT_NAME_LABEL]: service, [SOURCE_CLUSTER_LABEL]: cluster },
        [MANAGED_BY]: MULTICLUSTER,
      },
      ownerReferences: [
        {
          apiVersion: 'multicluster.x-k8s.io/v1alpha1',
          kind: 'ServiceImport',
          name: service,
          uid: owner.metadata?.uid ?? '',
        },
      ],
    },
    addressType: slice.addressType,
    endpoints: isLocal ? (slice.endpoints ?? []) : (slice.endpoints ?? []).map(abroad),
    ports: slice.ports ?? [],
  };
}

/** Without what is meant for the nodes of its own cluster: another one may have nodes of the same names. */
function abroad({ addresses, conditions, hostname, zone }: Endpoint): Endpoint {
  return { addresses, ...(conditions && { conditions }), ...(hostname && { hostname }), ...(zone && { zone }) };
}

/** Whether this controller made the slice. */
export const isImported = ({ metadata }: EndpointSlice): boolean => metadata?.labels?.[MANAGED_BY] === MULTICLUSTER;

export const sourceOf = ({ metadata }: EndpointSlice): string => metadata?.labels?.[SOURCE_CLUSTER_LABEL] ?? '';

/** `namespace/name` of the ServiceImport a slice says it is for. */
export const importKeyOf = ({ metadata }: EndpointSlice): string =>
  `${metadata?.namespace ?? ''}/${metadata?.labels?.[IMPORT_NAME_LABEL] ?? ''}`;
