import { type ExplainRequest, explain as explainPath, formatExplanation } from '@podwire/trace';
import { stringify } from 'yaml';
import { clusterOf, type SourceOptions } from './cluster-source.ts';
import { printable } from './printable.ts';

export interface ExplainOptions extends ExplainRequest, SourceOptions {
  readonly output?: 'json' | 'yaml';
}

/** The path of a connection, of the running lab or of manifests alone. Exit 0 when it is delivered, 1 otherwise. */
export async function explain(options: ExplainOptions): Promise<number> {
  const explanation = explainPath(await clusterOf(options), options);
  if (options.output === 'json') console.log(JSON.stringify(explanation, null, 2));
  else if (options.output === 'yaml') console.log(stringify(explanation));
  else console.log(printable(formatExplanation(explanation)));
  return explanation.verdict.kind === 'delivered' ? 0 : 1;
}
