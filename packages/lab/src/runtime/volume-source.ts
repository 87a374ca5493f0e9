import { PodwireError } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import type { ClaimSource } from './claim-source.ts';
import { type FieldSource, resolveFieldRef } from './field-ref.ts';
import { resourceFieldValue } from './resource-field.ts';
import type { Payload, PayloadFile } from './volume-payload.ts';

export type Volume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number];
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];
type TokenProjection = NonNullable<Projection['serviceAccountToken']>;
type Items = readonly { readonly key: string; readonly path: string; readonly mode?: number }[] | undefined;
type DownwardItems = NonNullable<NonNullable<Volume['downwardAPI']>['items']>;

/** What volumes are filled from. */
export interface VolumeSource extends FieldSource {
  /** Key to content; undefined when there is no such object. */
  configMap(name: string): Promise<Readonly<Record<string, Buffer>> | undefined>;
  secret(name: string): Promise<Readonly<Record<string, Buffer>> | undefined>;
  /** Undefined when there is no PersistentVolumeClaim of the name. */
  claim(name: string): Promise<ClaimSource | undefined>;
  /** Whether the pod gets credentials without asking for them. */
  wantsToken(): Promise<boolean>;
  /** Undefined when the pod's service account is not there. */
  token(projection: TokenProjection): string | undefined;
}

const DEFAULT_MODE = 0o644;
/** A token is for the one who runs the program. */
const TOKEN_MODE = 0o600;

/**
 * The files of a volume that is made of API objects; undefined for other volumes. Rejects with LAB_VOLUME when something is
 * not there; with `lenient` a token may come later.
 */
export async function volumePayload(
  volume: Volume,
  source: VolumeSource,
  lenient = false,
): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return objectFiles('configmap', await source.configMap(configMap.name ?? ''), configMap);
  if (secret) {
    const { secretName: name = '', ...rest } = secret;
    return objectFiles('secret', await source.secret(name), { name, ...rest });
  }
  if (downwardAPI) return downwardFiles(downwardAPI.items ?? [], source, downwardAPI.defaultMode);
  if (!projected) return undefined;
  const parts: [string, PayloadFile][] = [];
  const there = ({ serviceAccountToken: token }: Projection): boolean =>
    !lenient || !token || source.token(token) !== undefined;
  for (const one of (projected.sources ?? []).filter(there))
    parts.push(...(await projectedFiles(one, source, projected.defaultMode)));
  return new Map(parts);
}

async function projectedFiles(one: Projection, source: VolumeSource, defaultMode?: number): Promise<Payload> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = one;
  if (configMap)
    return objectFiles('configmap', await source.configMap(configMap.name ?? ''), { ...configMap, defaultMode });
  if (secret) return objectFiles('secret', await source.secret(secret.name ?? ''), { ...secret, defaultMode });
  if (downwardAPI) return downwardFiles(downwardAPI.items ?? [], source, defaultMode);
  if (!serviceAccountToken) throw failed(`a projection of ${Object.keys(one).join(', ')} is not supported`);
  const data = source.token(serviceAccountToken);
  if (data === undefined)
    throw failed(`service account "${source.pod.spec?.serviceAccountName ?? 'default'}" not found`);
  return new Map([[serviceAccountToken.path, { data, mode: TOKEN_MODE }]]);
}

interface ObjectReference {
  readonly name?: string;
  readonly items?: Items;
  readonly optional?: boolean;
  readonly defaultMode?: number | undefined;
}

function objectFiles(
  kind: 'configmap' | 'secret',
  data: Readonly<Record<string, Buffer>> | undefined,
  { name = '', items, optional, defaultMode = DEFAULT_MODE }: ObjectReference,
): Payload {
  if (!data && !optional) throw failed(`${kind} "${name}" not found`);
  const wanted = items ?? Object.keys(data ?? {}).map((key) => ({ key, path: key }));
  return new Map(
    wanted.flatMap((item): [string, PayloadFile][] => {
      const content = data && Object.hasOwn(data, item.key) ? data[item.key] : undefined;
      if (content)
        return [[item.path, { data: content, mode: ('mode' in item ? item.mode : undefined) ?? defaultMode }]];
      if (optional) return [];
      throw failed(`references non-existent config key: ${item.key}`);
    }),
  );
}

function downwardFiles(items: DownwardItems, source: VolumeSource, defaultMode = DEFAULT_MODE): Payload {
  return new Map(
    items.map(({ path, fieldRef, resourceFieldRef, mode = defaultMode }) => {
      const value = fieldRef
        ? fieldText(fieldRef.fieldPath, source)
        : resourceFieldRef && resourceFieldValue(resourceFieldRef, source.pod);
      if (value === undefined)
        throw failed(
          fieldRef
            ? `unsupported fieldPath: ${fieldRef.fieldPath}`
            : `container ${resourceFieldRef?.containerName} not found`,
        );
      return [path, { data: value, mode }];
    }),
  );
}

/** In volumes all labels and annotations can be had, a line each. */
function fieldText(fieldPath: string, source: VolumeSource): string | undefined {
  const all = /^metadata\.(labels|annotations)$/.exec(fieldPath)?.[1] as 'labels' | 'annotations' | undefined;
  if (!all) return resolveFieldRef(fieldPath, source);
  const pairs = Object.entries(source.pod.metadata?.[all] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
}

function failed(why: string): PodwireError {
  return new PodwireError('LAB_VOLUME', why);
}
