const VERSION = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;
const STAGES = { alpha: 1, beta: 2, stable: 3 } as const;

/** Sorts versions as Kubernetes prefers them: v2, v1, v1beta2, v1beta1, v1alpha1, then other names by alphabet. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : Number(a > b);
  const index = left.findIndex((value, at) => value !== right[at]);
  return index < 0 ? 0 : (right[index] ?? 0) - (left[index] ?? 0);
}

/** Stage, major, minor; undefined for a name of another form. */
function rankOf(version: string): readonly number[] | undefined {
  const match = VERSION.exec(version);
  if (!match) return undefined;
  const [, major, stage, minor = '0'] = match;
  return [STAGES[(stage as 'alpha' | 'beta' | undefined) ?? 'stable'], Number(major), Number(minor)];
}
