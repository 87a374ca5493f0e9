import type { KeyToPath, Volume, VolumeMount, VolumeProjection } from 'kubernetes-types/core/v1.js';
import type { FieldErrors } from './field-errors.ts';
import { dnsLabel } from './names.ts';

const MAX_MODE = 0o777;
const MODE_MESSAGE = 'must be a number between 0 and 0777 (octal), both inclusive';
const SHORTEST_TOKEN = 600;
const LONGEST_TOKEN = 2 ** 32;

/** What the volumes of a pod are called. */
export function validateVolumes(volumes: readonly Volume[], at: string, errors: FieldErrors): ReadonlySet<string> {
  const names = new Set<string>();
  volumes.forEach((volume, index) => {
    const path = `${at}[${index}]`;
    if (volume.name) errors.invalidEach(`${path}.name`, volume.name, dnsLabel(volume.name));
    if (names.has(volume.name)) errors.duplicate(`${path}.name`, volume.name);
    names.add(volume.name);
    const sources = Object.keys(volume).filter((field) => field !== 'name');
    for (const extra of sources.slice(1))
      errors.forbidden(`${path}.${extra}`, 'may not specify more than 1 volume type');
    validateSource(volume, path, errors);
  });
  return names;
}

function validateSource(volume: Volume, at: string, errors: FieldErrors): void {
  const { configMap, secret, downwardAPI, projected, hostPath } = volume;
  if (configMap && !configMap.name) errors.required(`${at}.configMap.name`);
  if (secret && !secret.secretName) errors.required(`${at}.secret.secretName`);
  for (const [field, source] of Object.entries({ configMap, secret, downwardAPI })) {
    if (source) validateFiles(source, `${at}.${field}`, errors);
  }
  if (projected) validateMode(projected.defaultMode, `${at}.projected.defaultMode`, errors);
  projected?.sources?.forEach((source, index) => {
    validateProjection(source, `${at}.projected.sources[${index}]`, errors);
  });
  if (hostPath?.path) noBacksteps(hostPath.path, `${at}.hostPath.path`, errors);
}

function validateProjection(projection: VolumeProjection, at: string, errors: FieldErrors): void {
  const { configMap, secret, downwardAPI, serviceAccountToken: token } = projection;
  for (const [field, source] of Object.entries({ configMap, secret, downwardAPI })) {
    if (source) validateFiles(source, `${at}.${field}`, errors);
  }
  if (!token) return;
  filePath(token.path, `${at}.serviceAccountToken.path`, errors);
  const { expirationSeconds: seconds = SHORTEST_TOKEN } = token;
  const field = `${at}.serviceAccountToken.expirationSeconds`;
  if (seconds < SHORTEST_TOKEN) errors.invalid(field, seconds, 'may not specify a duration less than 10 minutes');
  if (seconds > LONGEST_TOKEN) errors.invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds');
}

interface Files {
  readonly defaultMode?: number;
  readonly items?: readonly Pick<KeyToPath, 'path' | 'mode'>[];
}

function validateFiles({ defaultMode, items }: Files, at: string, errors: FieldErrors): void {
  validateMode(defaultMode, `${at}.defaultMode`, errors);
  items?.forEach(({ path, mode }, index) => {
    filePath(path, `${at}.items[${index}].path`, errors);
    validateMode(mode, `${at}.items[${index}].mode`, errors);
  });
}

function validateMode(mode: number | undefined, at: string, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > MAX_MODE)) errors.invalid(at, mode, MODE_MESSAGE);
}

/** Where a container has a volume, as far as paths go. */
export function validateMountPaths(mount: VolumeMount, at: string, errors: FieldErrors): void {
  const { subPath = '', subPathExpr = '' } = mount;
  descending(subPath, `${at}.subPath`, errors);
  descending(subPathExpr, `${at}.subPathExpr`, errors);
  if (subPath && subPathExpr)
    errors.invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive');
}

/** A file of a volume: names that begin with two dots are those of the volume itself. */
function filePath(path: string | undefined, at: string, errors: FieldErrors): void {
  // That it is required is in the table of the type.
  if (path === undefined) return;
  descending(path, at, errors);
  if (path.startsWith('..') && !path.startsWith('../')) errors.invalid(at, path, "must not start with '..'");
}

function descending(path: string, at: string, errors: FieldErrors): void {
  if (path.startsWith('/')) errors.invalid(at, path, 'must be a relative path');
  noBacksteps(path, at, errors);
}

function noBacksteps(path: string, at: string, errors: FieldErrors): void {
  if (path.split('/').includes('..')) errors.invalid(at, path, "must not contain '..'");
}
