import type { Flowtable, NamedObject, Table } from './model.ts';
import { whatCounts } from './state.ts';

export interface ObjectDelta {
  readonly removed: readonly NamedObject[];
  readonly added: readonly NamedObject[];
  readonly removedFlowtables: readonly Flowtable[];
  readonly addedFlowtables: readonly Flowtable[];
  /** `counter x`, `flowtable f` of what is removed: rules and maps that name them go first. */
  readonly remade: ReadonlySet<string>;
}

const nameOf = ({ kind, name }: NamedObject): string => `${kind} ${name}`;

export function diffObjects(current: Table | undefined, desired: Table): ObjectDelta {
  const objects = replace(
    current?.objects ?? [],
    desired.objects ?? [],
    (object) => nameOf(object) + objectSpec(object),
  );
  const flowtables = replace(current?.flowtables ?? [], desired.flowtables ?? [], flowtableSpec);
  return {
    removed: objects.removed,
    added: objects.added,
    removedFlowtables: flowtables.removed,
    addedFlowtables: flowtables.added,
    remade: new Set([...objects.removed.map(nameOf), ...flowtables.removed.map(({ name }) => `flowtable ${name}`)]),
  };
}

function replace<T>(current: readonly T[], desired: readonly T[], spec: (one: T) => string) {
  const [before, after] = [new Set(current.map(spec)), new Set(desired.map(spec))];
  return {
    removed: current.filter((one) => !after.has(spec(one))),
    added: desired.filter((one) => !before.has(spec(one))),
  };
}

/** All but the comment and what has been counted. */
function objectSpec(object: NamedObject): string {
  const { comment: _, ...spec } = whatCounts(object);
  return JSON.stringify(Object.entries(spec).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function flowtableSpec({ name, priority, devices, offload, counter }: Flowtable): string {
  return JSON.stringify([name, priority, devices.toSorted(), !!offload, !!counter]);
}
