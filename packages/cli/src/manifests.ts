import { readFileSync } from 'node:fs';
import { messageOf, PodwireError } from '@podwire/base';
import { KINDS, type Manifest, parseManifests } from '@podwire/kube';
import { ApiConnection, type StatusObject } from './api-connection.ts';

/** Reads YAML or JSON files of one or more documents; throws CLI_MANIFEST or KUBE_BAD_MANIFEST naming file and line. */
export function readManifests(files: readonly string[]): Manifest[] {
  return files.flatMap((file) => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      throw new PodwireError('CLI_MANIFEST', `the manifest cannot be read: ${messageOf(cause)}`, { cause });
    }
    return parseManifests(text, file);
  });
}

/** Where an object lives; throws CLI_MANIFEST in kubectl's words for a kind the server does not know. */
function pathOf({ object, source, line }: Manifest): string {
  const { apiVersion, kind, metadata } = object;
  const name = metadata?.name;
  if (!name)
    throw new PodwireError(
      'CLI_MANIFEST',
      `error validating "${source}": line ${line}: the ${kind} has no metadata.name`,
    );
  const known = KINDS.find((k) => k.kind === kind);
  if (!known || ![known.apiVersion, ...known.otherVersions].includes(apiVersion))
    throw new PodwireError(
      'CLI_MANIFEST',
      `resource mapping not found for name: "${name}" from "${source}": no matches for kind "${kind}" in version "${apiVersion}"`,
    );
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const namespace = known.namespaced ? `/namespaces/${encodeURIComponent(metadata.namespace ?? 'default')}` : '';
  return `${root}${namespace}/${known.plural}/${encodeURIComponent(name)}`;
}

/**
 * Server-side applies the manifests in order and returns a line for each. All are tried as a dry run first, so that
 * one bad object changes nothing; throws CLI_MANIFEST with the API server's message.
 */
export async function applyManifests(socketPath: string, manifests: readonly Manifest[]): Promise<string[]> {
  const paths = manifests.map(pathOf);
  const made = new Set(
    manifests.filter(({ object }) => object.kind === 'Namespace').map(({ object }) => object.metadata?.name),
  );
  const connection = new ApiConnection(socketPath);
  try {
    for (const [i, manifest] of manifests.entries()) {
      // The dry run cannot see a namespace that is made further up in the same files.
      const namespace = manifest.object.metadata?.namespace;
      if (namespace === undefined || !made.has(namespace))
        await applyOne(connection, manifest, `${paths[i]}?${APPLY}&dryRun=All`);
    }
    const lines: string[] = [];
    for (const [i, manifest] of manifests.entries()) {
      await applyOne(connection, manifest, `${paths[i]}?${APPLY}`);
      lines.push(`${manifest.object.kind.toLowerCase()}/${manifest.object.metadata?.name} applied`);
    }
    return lines;
  } finally {
    connection.close();
  }
}

const APPLY = 'fieldManager=podwire&force=true&fieldValidation=Strict';

async function applyOne(connection: ApiConnection, { source, object }: Manifest, path: string): Promise<void> {
  const { status, body } = await connection.request({
    method: 'PATCH',
    path,
    contentType: 'application/apply-patch+yaml',
    body: JSON.stringify(object),
  });
  if (status < 300) return;
  const { reason, message } = body as StatusObject;
  throw new PodwireError(
    'CLI_MANIFEST',
    `Error from server (${reason ?? status}): error when applying "${source}": ${message}`,
  );
}
