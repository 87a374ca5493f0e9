import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, PodwireError } from '@podwire/base';

interface Kubeconfig {
  readonly clusters?: readonly { readonly name?: string }[];
}

/**
 * Writes a kubeconfig with a private key in it (0600), whole or not at all. A file that knows other clusters is somebody's
 * own and stays as it is. Throws CLI_KUBECONFIG.
 */
export async function writeKubeconfig(file: string, text: string): Promise<void> {
  const others = await clustersOf(file);
  const own = others.length > 0 ? await namesIn(text) : [];
  const foreign = others.filter((name) => !own.includes(name));
  if (foreign.length > 0)
    throw failed(`${file} is a kubeconfig of ${foreign.join(', ')}; name another file with --kubeconfig`);
  const partial = `${file}.${process.pid}.new`;
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(partial, text, { mode: 0o600 });
    await rename(partial, file);
  } catch (cause) {
    throw failed(`the kubeconfig cannot be written: ${messageOf(cause)}; name another file with --kubeconfig`, cause);
  }
}

/** None when there is no such file; what cannot be read as a kubeconfig counts as somebody's. */
async function clustersOf(file: string): Promise<readonly string[]> {
  try {
    return await namesIn(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw failed(`${file} cannot be read (${messageOf(error)}); name another file with --kubeconfig`, error);
  }
}

async function namesIn(text: string): Promise<string[]> {
  // Not at the start: mostly there is no such file.
  const { parse } = await import('yaml');
  const config = parse(text) as Kubeconfig | null;
  if (config === null) return [];
  if (!Array.isArray(config.clusters)) return ['something else'];
  return config.clusters.map(({ name = '' }: { name?: string }) => name);
}

const failed = (message: string, cause?: unknown) => new PodwireError('CLI_KUBECONFIG', message, { cause });
