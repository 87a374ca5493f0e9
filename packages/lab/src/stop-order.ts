/**
 * Stops parts group after group, all of a group at once. A part that fails keeps none of the others running; what went
 * wrong is thrown at the end, one error as it is, more as an AggregateError.
 */
export async function stopInOrder(groups: readonly (readonly (() => unknown)[])[]): Promise<void> {
  const failures: unknown[] = [];
  for (const group of groups) {
    const results = await Promise.allSettled(group.map(async (stop) => await stop()));
    failures.push(...results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])));
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1)
    throw new AggregateError(failures, failures.map((failure) => (failure as Error).message).join('; '));
}
