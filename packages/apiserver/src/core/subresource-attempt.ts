import type { Attempt } from '../admission/attempt.ts';
import type { ApiObject, ApiRequest, User } from '../seam.ts';
import type { Registry } from './registry.ts';
import type { ResourcePath } from './request-path.ts';
import { optionsOf } from './write-attempt.ts';
import type { Target } from './write-options.ts';

interface Created {
  readonly subresource: string;
  readonly object: ApiObject;
  readonly dryRun: boolean;
}

/** Lets admission have its say in a Binding or an Eviction; returns it as admission wants it, and what it warns of. */
export async function consultedCreate<T extends ApiObject>(
  registry: Registry,
  { user, annotate, aside }: Pick<ApiRequest, 'user' | 'annotate' | 'aside'>,
  { kind, name, namespace }: Target,
  { subresource, object, dryRun }: Created & { readonly object: T },
): Promise<{ readonly object: T; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const owner = { name, namespace };
  const options = optionsOf('CreateOptions', { dryRun });
  const attempt: Attempt = { operation: 'CREATE', kind, subresource, owner, object, user, dryRun, options };
  const consulted = await registry.consult(attempt, {
    warn: (text) => void warnings.push(text),
    annotate,
    aside,
  });
  return { object: (consulted ?? object) as T, warnings };
}

/** The node a pod is bound to, as admission wants it. */
export async function consultedNode(registry: Registry, user: User, pod: Target, nodeName: string): Promise<string> {
  const { name, namespace } = pod;
  const metadata = { name, ...(namespace ? { namespace } : {}) };
  const target = { apiVersion: 'v1', kind: 'Node', name: nodeName };
  const object = { apiVersion: 'v1', kind: 'Binding', metadata, target };
  const consulted = await consultedCreate(registry, { user }, pod, { subresource: 'binding', object, dryRun: false });
  return consulted.object.target.name;
}

/** Flags and lists in the queries of connections, by the name they have there. */
const FLAGS = ['stdin', 'stdout', 'stderr', 'tty'];

/** A connection to what is in a pod or behind a service, with its query as an object (PodExecOptions, PodProxyOptions). */
export function connectAttempt({ kind, namespace, name = '', subresource, rest }: ConnectPath, asked: Asked): Attempt {
  const { user, query } = asked;
  const flags = FLAGS.filter((flag) => ['1', 'true', 't'].includes(query.get(flag)?.toLowerCase() ?? ''));
  const [container, command, ports] = [query.get('container'), query.getAll('command'), query.getAll('ports')];
  const object = {
    ...{ kind: `${kind.kind}${OPTIONS[subresource ?? ''] ?? 'ProxyOptions'}`, apiVersion: 'v1' },
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
    ...(container ? { container } : {}),
    ...(command.length > 0 ? { command } : {}),
    ...(ports.length > 0 ? { ports: ports.flatMap((list) => list.split(',')).map(Number) } : {}),
    ...(rest === undefined ? {} : { path: rest }),
  };
  const owner = { name, namespace };
  return {
    operation: 'CONNECT',
    kind,
    subresource,
    owner,
    object: object as unknown as ApiObject,
    user,
    dryRun: false,
  };
}

const OPTIONS: Readonly<Record<string, string>> = {
  exec: 'ExecOptions',
  attach: 'AttachOptions',
  portforward: 'PortForwardOptions',
};

type ConnectPath = ResourcePath & { readonly rest?: string | undefined };

interface Asked {
  readonly user: User;
  readonly query: URLSearchParams;
}
