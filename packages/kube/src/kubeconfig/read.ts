import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { messageOf } from '@podwire/base';
import { parseYaml } from '../manifest.ts';
import { badKubeconfig } from './bad-kubeconfig.ts';
import type { Entry, Kubeconfig } from './kubeconfig.ts';

export interface KubeconfigSource {
  /** One file, which must be there; otherwise KUBECONFIG, otherwise ~/.kube/config. */
  readonly file?: string | undefined;
  /** Default: the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const LISTS = { clusters: 'cluster', users: 'user', contexts: 'context' } as const;

/**
 * Reads and merges as kubectl does: of each name the first file wins with its whole entry, and the first current-context that
 * is set. Of the files in KUBECONFIG those that are not there are left out. Throws KUBE_BAD_KUBECONFIG.
 */
export async function readKubeconfig({ file, env = process.env }: KubeconfigSource = {}): Promise<Kubeconfig> {
  const listed = (env.KUBECONFIG ?? '').split(path.delimiter).filter((name) => name !== '');
  const files = file
    ? [file]
    : listed.length > 0
      ? [...new Set(listed)]
      : [path.join(env.HOME ?? homedir(), '.kube/config')];
  const merged = { clusters: new Map(), users: new Map(), contexts: new Map() };
  const read: string[] = [];
  let currentContext: string | undefined;
  for (const name of files) {
    const config = await contentOf(name, file !== undefined);
    if (config === undefined) continue;
    read.push(name);
    currentContext ??= textIn(config, 'current-context', name) || undefined;
    for (const [list, part] of Object.entries(LISTS) as [keyof typeof LISTS, string][]) {
      for (const [key, entry] of entriesOf(config, { file: name, list, part }))
        if (!merged[list].has(key)) merged[list].set(key, entry);
    }
  }
  return { ...merged, currentContext, files: read };
}

/** Undefined when there is no such file and there need not be one. */
async function contentOf(file: string, isNeeded: boolean): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' && !isNeeded) return undefined;
    throw badKubeconfig(file, '', `it cannot be read: ${messageOf(cause)}; check the path and its permissions`, cause);
  }
  try {
    const content = parseYaml(text, file);
    if (content === undefined || content === null) return {};
    if (isMap(content)) return content;
  } catch (cause) {
    throw badKubeconfig(file, '', `it is no YAML: ${messageOf(cause)}`, cause);
  }
  throw badKubeconfig(
    file,
    '',
    'it is not a map of fields; a kubeconfig begins with "apiVersion: v1" and "kind: Config"',
  );
}

function* entriesOf(
  config: Record<string, unknown>,
  { file, list, part }: { file: string; list: string; part: string },
): Generator<[string, Entry<never>]> {
  const entries = config[list] ?? [];
  if (!Array.isArray(entries)) throw badKubeconfig(file, list, 'must be a list of entries with a name');
  for (const [i, entry] of entries.entries()) {
    const at = `${list}[${i}]`;
    if (!isMap(entry)) throw badKubeconfig(file, at, `must have the fields name and ${part}`);
    const name = textIn(entry, 'name', file, at);
    if (!name) throw badKubeconfig(file, `${at}.name`, `is missing; give each entry of ${list} a name`);
    const value = entry[part] ?? {};
    if (!isMap(value)) throw badKubeconfig(file, `${at}.${part}`, 'must be a map of fields');
    yield [name, { file, value: value as never }];
  }
}

function textIn(map: Record<string, unknown>, field: string, file: string, at = ''): string | undefined {
  const value = map[field];
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw badKubeconfig(
    file,
    at ? `${at}.${field}` : field,
    `must be text, not ${JSON.stringify(value)}; put it in quotes`,
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
