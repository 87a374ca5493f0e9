/** A Job of more indexes than this is not one that any cluster could run, and would not fit into the memory. */
const MOST = 1_000_000;

/** Completion indexes as a Job's status writes them: `0,2-4`. */
export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>();
  for (const [first, last] of rangesOf(text))
    for (let index = first; index <= last && index < MOST; index++) indexes.add(index);
  return indexes;
}

/** The same without making a list of them: whoever writes a spec may write `0-2000000000`. */
export function isInRanges(text: string) {
  const ranges = rangesOf(text);
  return {
    size: ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0),
    contains: (index: number): boolean => ranges.some(([first, last]) => index >= first && index <= last),
  };
}

function rangesOf(text = ''): [first: number, last: number][] {
  return text
    .split(',')
    .filter((range) => /^\d+(-\d+)?$/.test(range))
    .map((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return [first, last];
    });
}

/** Runs of two are written as a range as well. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const runs: [first: number, last: number][] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && run[1] === index - 1) run[1] = index;
    else runs.push([index, index]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
