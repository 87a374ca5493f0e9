import type { ObjectOf } from '@podwire/kube';
import { nameOf } from '../context.ts';

type Node = ObjectOf<'Node'>;
type PodSpec = NonNullable<ObjectOf<'Pod'>['spec']>;
type Affinity = NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>;
type NodeSelector = NonNullable<Affinity['requiredDuringSchedulingIgnoredDuringExecution']>;
type Term = NodeSelector['nodeSelectorTerms'][number];
type Requirement = NonNullable<Term['matchExpressions']>[number];

/** Whether a node has what nodeSelector and required node affinity ask for. */
export function selectsNode({ nodeSelector = {}, affinity }: Partial<PodSpec>, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  if (Object.entries(nodeSelector).some(([key, value]) => labels[key] !== value)) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || matchesNode(required, node);
}

/** Whether one of the terms selects the node. */
export function matchesNode({ nodeSelectorTerms }: NodeSelector, node: Node): boolean {
  return nodeSelectorTerms.some((term) => matches(term, node));
}

/** Sum of the weights of the preferences this node meets. */
export function nodePreference({ affinity }: Partial<PodSpec>, node: Node): number {
  const preferred = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce((sum, { weight, preference }) => sum + (matches(preference, node) ? weight : 0), 0);
}

/** A term without requirements matches nothing. */
function matches({ matchExpressions = [], matchFields = [] }: Term, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata?.labels ?? {};
  const fields: Record<string, string> = { 'metadata.name': nameOf(node) };
  return (
    matchExpressions.every((one) => satisfies(one, labels[one.key])) &&
    matchFields.every((one) => satisfies(one, fields[one.key]))
  );
}

function satisfies({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  const [first = ''] = values;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(first);
    case 'Lt':
      return Number(value) < Number(first);
    default:
      return false;
  }
}
