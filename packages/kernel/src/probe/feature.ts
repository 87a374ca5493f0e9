/** A kernel feature that can be found out by using it. */
export interface Feature {
  /** What podwire has, or would have, it for. */
  readonly use: string;
  /** Uses the feature in the calling thread's netns, which is thrown away; throws KernelError when the kernel cannot. */
  readonly trial: () => void;
}

/** Features that are tried in the same way with other values. */
export function featuresOf<K extends string, V extends { readonly use: string }>(
  table: Readonly<Record<K, V>>,
  run: (value: V, name: K) => void,
): Record<K, Feature> {
  const entries = (Object.entries(table) as [K, V][]).map(([name, value]): [K, Feature] => [
    name,
    { use: value.use, trial: () => run(value, name) },
  ]);
  return Object.fromEntries(entries) as Record<K, Feature>;
}

/** Trials that come without a word on what they are for. */
export function withUses<K extends string>(
  trials: Readonly<Record<K, () => void>>,
  uses: Readonly<Record<K, string>>,
): Record<K, Feature> {
  const entries = (Object.entries(trials) as [K, () => void][]).map(([name, trial]): [K, Feature] => [
    name,
    { use: uses[name], trial },
  ]);
  return Object.fromEntries(entries) as Record<K, Feature>;
}
