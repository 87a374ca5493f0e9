import { readFileSync } from 'node:fs';
import { messageOf, PodwireError } from '@podwire/base';
import { parseYaml } from '@podwire/kube';

/** The flags that say what a lab is made of. */
export interface ShapeOptions {
  readonly name: string;
  readonly nodes?: number;
  readonly config?: string;
  readonly backend?: string;
  readonly wiring?: string;
  readonly proxyMode?: string;
  readonly apiPort?: number;
}

/** Flags over the configuration file, for parseLabConfig. Throws CLI_USAGE when the file cannot be read. */
export function labInput(options: ShapeOptions): Record<string, unknown> {
  const file = options.config === undefined ? {} : readConfig(options.config);
  const cluster = {
    ...(file['cluster'] as object | undefined),
    ...(options.backend === undefined ? {} : { backend: options.backend }),
    ...(options.wiring === undefined ? {} : { wiring: options.wiring }),
    ...(options.proxyMode === undefined ? {} : { proxyMode: options.proxyMode }),
  };
  return {
    ...file,
    name: options.name,
    ...(options.nodes === undefined ? {} : { nodes: options.nodes }),
    ...(options.apiPort === undefined ? {} : { apiPort: options.apiPort }),
    cluster,
  };
}

function readConfig(file: string): Record<string, unknown> {
  try {
    const value: unknown = parseYaml(readFileSync(file, 'utf8'), file);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new Error('it must be a YAML mapping');
  } catch (cause) {
    throw new PodwireError('CLI_USAGE', `configuration file ${file}: ${messageOf(cause)}`, { cause });
  }
}
