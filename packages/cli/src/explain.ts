import { readFileSync } from 'node:fs';
import { createKubeClient, parseYaml } from '@podwire/kube';
import { type LabConfig, labPaths, parseLabConfig } from '@podwire/lab';
import {
  type ClusterObjects,
  ClusterView,
  type ExplainRequest,
  explain as explainPath,
  formatExplanation,
  manifestCluster,
  sortManifests,
} from '@podwire/trace';
import { stringify } from 'yaml';
import { requireLab } from './control-client.ts';
import { labInput, type ShapeOptions } from './lab-input.ts';
import { readManifests } from './manifests.ts';
import { becomeRoot } from './root.ts';

export interface ExplainOptions extends ExplainRequest, ShapeOptions {
  readonly filename: readonly string[];
  readonly output?: 'json' | 'yaml';
}

/** The path of a connection, of the running lab or of manifests alone. Exit 0 when it is delivered, 1 otherwise. */
export async function explain(options: ExplainOptions): Promise<number> {
  const cluster = options.filename.length > 0 ? offline(options) : await live(options.name);
  const explanation = explainPath(cluster, options);
  if (options.output === 'json') console.log(JSON.stringify(explanation, null, 2));
  else if (options.output === 'yaml') console.log(stringify(explanation));
  else console.log(formatExplanation(explanation));
  return explanation.verdict.kind === 'delivered' ? 0 : 1;
}

/** Needs neither root nor a lab. */
function offline(options: ExplainOptions): ClusterView {
  const config = parseLabConfig(labInput(options));
  const objects = sortManifests(readManifests(options.filename).map(({ object }) => object));
  return new ClusterView(manifestCluster(objects, config), config);
}

async function live(name: string): Promise<ClusterView> {
  becomeRoot();
  requireLab(name);
  const { apiSocket, configFile } = labPaths(name);
  const config: LabConfig = parseLabConfig(parseYaml(readFileSync(configFile, 'utf8'), configFile));
  return new ClusterView(await readObjects(apiSocket), config);
}

async function readObjects(socketPath: string): Promise<ClusterObjects> {
  const client = createKubeClient({ socketPath });
  try {
    const [pods, services, slices, nodes, namespaces, policies] = await Promise.all([
      client.list('Pod'),
      client.list('Service'),
      client.list('EndpointSlice'),
      client.list('Node'),
      client.list('Namespace'),
      client.list('NetworkPolicy'),
    ]);
    return {
      pods: pods.items,
      services: services.items,
      slices: slices.items,
      nodes: nodes.items,
      namespaces: namespaces.items,
      policies: policies.items,
    };
  } finally {
    client.close();
  }
}
