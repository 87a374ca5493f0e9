/** A Kubernetes label selector (meta/v1 LabelSelector). Absent parts select everything. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelRequirement[];
}

export interface LabelRequirement {
  readonly key: string;
  /** In, NotIn, Exists or DoesNotExist; anything else matches nothing. */
  readonly operator: string;
  readonly values?: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** Whether the labels satisfy the selector; an empty selector selects everything. */
export function selectorMatches(selector: LabelSelector, labels: Labels = {}): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labelOf(labels, key) === value);
  return equal && (selector.matchExpressions ?? []).every((requirement) => requirementMatches(requirement, labels));
}

/** Every JavaScript object has a `constructor`; few have the label. */
function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function requirementMatches({ key, operator, values = [] }: LabelRequirement, labels: Labels): boolean {
  const value = labelOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
