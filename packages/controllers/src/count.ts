/** A whole number or a percentage of the replicas. */
export function resolveCount(value: number | string | undefined, replicas: number, round: 'up' | 'down'): number {
  if (typeof value !== 'string') return value ?? resolveCount('25%', replicas, round);
  const exact = (Number(value.replace('%', '')) * replicas) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
