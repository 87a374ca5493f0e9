import type {
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from 'kubernetes-types/apiextensions/v1.js';

type Names = CustomResourceDefinitionNames;

export interface Acceptance {
  /** Those of the wanted names that nobody else has. */
  readonly acceptedNames: Names;
  /** The first name somebody else has, and which; undefined: none. */
  readonly conflict: { readonly reason: string; readonly message: string } | undefined;
}

/** Which names a definition gets, when others of its group have accepted names of theirs; what it has it keeps. */
export function acceptNames(wanted: Names, had: Names | undefined, others: readonly Names[]): Acceptance {
  const resources = new Set(
    others.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular, ...shortNames]),
  );
  const kinds = new Set(others.flatMap(({ kind, listKind }) => [kind, listKind]));
  const conflicts: { readonly reason: string; readonly message: string }[] = [];
  const pick = (name: string | undefined, taken: ReadonlySet<string | undefined>, reason: string): boolean => {
    if (!name || !taken.has(name)) return true;
    conflicts.push({ reason, message: `${JSON.stringify(name)} is already in use` });
    return false;
  };
  const acceptedNames: Names = {
    plural: pick(wanted.plural, resources, 'PluralConflict') ? wanted.plural : (had?.plural ?? ''),
    ...optional('singular', pick(wanted.singular, resources, 'SingularConflict') ? wanted.singular : had?.singular),
    ...shortNamesOf(wanted, had, (name) => pick(name, resources, 'ShortNamesConflict')),
    kind: pick(wanted.kind, kinds, 'KindConflict') ? wanted.kind : (had?.kind ?? ''),
    ...optional('listKind', pick(wanted.listKind, kinds, 'ListKindConflict') ? wanted.listKind : had?.listKind),
    ...(wanted.categories ? { categories: [...wanted.categories] } : {}),
  };
  return { acceptedNames, conflict: conflicts[0] };
}

function optional<K extends string>(field: K, name: string | undefined): { [F in K]?: string } {
  return (name ? { [field]: name } : {}) as { [F in K]?: string };
}

function shortNamesOf(
  wanted: Names,
  had: Names | undefined,
  isFree: (name: string) => boolean,
): Pick<Names, 'shortNames'> {
  const free = (wanted.shortNames ?? []).map(isFree).every(Boolean);
  const shortNames = free ? wanted.shortNames : had?.shortNames;
  return shortNames ? { shortNames: [...shortNames] } : {};
}

type Condition = CustomResourceDefinitionCondition;
type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The conditions that say so. What was established once stays so. */
export function namesConditions(
  conflict: Acceptance['conflict'],
  conditions: readonly Condition[],
  now: string,
): Condition[] {
  const accepted: Said = conflict
    ? { type: 'NamesAccepted', status: 'False', ...conflict }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  const isEstablished = conditions.some(({ type, status }) => type === 'Established' && status === 'True');
  const initial: Said = conflict
    ? { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
    : {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      };
  const said = isEstablished ? [accepted] : [accepted, initial];
  return said.reduce<Condition[]>((all, one) => withCondition(all, one, now), [...conditions]);
}

/** The time stays as long as the status of the condition does. */
export function withCondition(conditions: readonly Condition[], said: Said, now: string): Condition[] {
  const before = conditions.find(({ type }) => type === said.type);
  const lastTransitionTime = before?.status === said.status ? (before.lastTransitionTime ?? now) : now;
  const next = { lastTransitionTime, ...said };
  return before ? conditions.map((one) => (one === before ? next : one)) : [...conditions, next];
}
