import type { ObjectOf } from '@podwire/kube';
import { nameOf, namespaceOf } from '../context.ts';
import { podFromTemplate, REVISION_LABEL } from '../pod-template.ts';
import { templateHash } from '../template-hash.ts';

type StatefulSet = ObjectOf<'StatefulSet'>;
type Pod = ObjectOf<'Pod'>;
type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Template = NonNullable<StatefulSet['spec']>['template'];

/** A template of a set and the name it has in its history. */
export interface StatefulRevision {
  readonly name: string;
  readonly template: Template | undefined;
}

export function revisionName(set: StatefulSet): string {
  return `${nameOf(set)}-${templateHash(set.spec?.template)}`;
}

/** `web-0` of set `web`: the name, hostname, index and claims a pod of this ordinal always has. */
export function statefulPod(set: StatefulSet, ordinal: number, revision: StatefulRevision = presentRevision(set)): Pod {
  const name = podName(set, ordinal);
  const { template } = revision;
  const owner = { ...set, spec: { ...set.spec, ...(template ? { template } : {}) } };
  const pod = podFromTemplate(owner, 'StatefulSet', {
    [REVISION_LABEL]: revision.name,
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
  });
  const { generateName: _, ...metadata } = pod.metadata ?? {};
  const { serviceName } = set.spec ?? {};
  const place = { hostname: name, ...(serviceName ? { subdomain: serviceName } : {}) };
  return {
    metadata: { ...metadata, name },
    spec: { containers: [], ...pod.spec, ...place, ...volumesOf(set, pod, name) },
  };
}

const podName = (set: StatefulSet, ordinal: number): string => `${nameOf(set)}-${ordinal}`;

/** What a ControllerRevision says; undefined: no template. */
export function pastRevision({ metadata, data }: ObjectOf<'ControllerRevision'>): StatefulRevision | undefined {
  const kept = data as { readonly spec?: { readonly template?: Template & { $patch?: string } } } | undefined;
  if (!kept?.spec?.template) return undefined;
  const { $patch: _, ...template } = kept.spec.template;
  return { name: metadata?.name ?? '', template };
}

const presentRevision = (set: StatefulSet): StatefulRevision => ({
  name: revisionName(set),
  template: set.spec?.template,
});

/** Undefined: a pod of another name than the set gives. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const text = nameOf(pod).slice(nameOf(set).length + 1);
  return nameOf(pod).startsWith(`${nameOf(set)}-`) && /^(0|[1-9]\d*)$/.test(text) ? Number(text) : undefined;
}

/** A claim takes the place of the template's volume of its name. */
function volumesOf({ spec }: StatefulSet, pod: Pod, name: string): Pick<NonNullable<Pod['spec']>, 'volumes'> {
  const claims = (spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? '');
  if (claims.length === 0) return {};
  const others = (pod.spec?.volumes ?? []).filter((volume) => !claims.includes(volume.name));
  const claimed = claims.map((claim) => ({ name: claim, persistentVolumeClaim: { claimName: `${claim}-${name}` } }));
  return { volumes: [...others, ...claimed] };
}

/** `data-web-0`: they stay when the pod or the set goes. */
export function claimsOf(set: StatefulSet, ordinal: number): Claim[] {
  const own = set.spec?.selector?.matchLabels;
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata = {}, spec }) => ({
    metadata: {
      name: `${metadata.name}-${podName(set, ordinal)}`,
      namespace: namespaceOf(set),
      labels: { ...metadata.labels, ...own },
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
    },
    ...(spec ? { spec } : {}),
  }));
}
