import { encodeError } from '../errors.ts';

/** struct sock_filter of linux/filter.h; `jt` and `jf` count instructions after the next one. */
export interface ClassicInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** One line of a program before its labels are resolved. A jump with code ALWAYS has the same label twice. */
export type Line =
  | { readonly kind: 'plain'; readonly code: number; readonly k: number }
  | { readonly kind: 'jump'; readonly code: number; readonly k: number; readonly yes: string; readonly no: string }
  | { readonly kind: 'label'; readonly name: string };

/** BPF_JMP | BPF_JA: unconditional, with 32 bits of distance. */
export const ALWAYS = 0x05;
const CLASS_MASK = 7;
const CLASS_RETURN = 6;
/** A longer program is refused by the kernel (BPF_MAXINSNS). */
const MAX_INSTRUCTIONS = 4096;
/** A conditional jump has eight bits. */
const FAR = 255;

/** Makes jumps to a jump go to its target at once, and leaves out what is never reached and jumps to the next line. */
export function threadJumps(lines: readonly Line[]): readonly Line[] {
  const target = targets(lines);
  const referenced = new Set<string>();
  let isReached = true;
  const reached = lines.flatMap((line): Line[] => {
    if (line.kind === 'label') {
      isReached ||= referenced.has(line.name);
      return referenced.has(line.name) ? [line] : [];
    }
    if (!isReached) return [];
    isReached = line.kind === 'plain' && (line.code & CLASS_MASK) !== CLASS_RETURN;
    if (line.kind === 'plain') return [line];
    const [yes, no] = [target(line.yes), target(line.no)];
    referenced.add(yes).add(no);
    return [{ ...line, yes, no }];
  });
  return reached.filter((line, i) => line.kind !== 'jump' || line.code !== ALWAYS || !follows(reached, i, line.yes));
}

/** Whether nothing but labels stands between line `i` and the label. */
function follows(lines: readonly Line[], i: number, name: string): boolean {
  for (let next = lines[++i]; next?.kind === 'label'; next = lines[++i]) if (next.name === name) return true;
  return false;
}

/** The label where one ends up who jumps to a label. */
function targets(lines: readonly Line[]): (name: string) => string {
  const onward = new Map<string, string>();
  let waiting: string[] = [];
  for (const line of lines) {
    if (line.kind === 'label') waiting.push(line.name);
    else {
      if (line.kind === 'jump' && line.code === ALWAYS) for (const name of waiting) onward.set(name, line.yes);
      waiting = [];
    }
  }
  return (name) => {
    // no more steps than labels: jumps in a circle are refused later
    for (let steps = 0; steps < onward.size; steps++) {
      const next = onward.get(name);
      if (next === undefined) break;
      name = next;
    }
    return name;
  };
}

/** Where each line ends up. A conditional jump that is too far goes over an unconditional one next to it. */
export class Layout {
  readonly #lines: readonly Line[];
  readonly #far = new Set<Line>();
  #places: number[] = [];
  #labels = new Map<string, number>();

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
    do this.#place();
    while (this.#findFar());
  }

  #place(): void {
    let at = 0;
    this.#labels = new Map();
    this.#places = this.#lines.map((line) => {
      const place = at;
      if (line.kind === 'label') this.#labels.set(line.name, at);
      else at += this.#far.has(line) ? 3 : 1;
      return place;
    });
  }

  /** Jumps that turned out too far since the last look. */
  #findFar(): boolean {
    const before = this.#far.size;
    for (const [i, line] of this.#lines.entries()) {
      if (line.kind !== 'jump' || line.code === ALWAYS) continue;
      if (Math.max(this.#distance(i, line.yes), this.#distance(i, line.no)) > FAR) this.#far.add(line);
    }
    return this.#far.size > before;
  }

  #distance(i: number, name: string): number {
    const target = this.#labels.get(name);
    const distance = (target ?? -1) - (this.#places[i] ?? 0) - 1;
    if (distance < 0) throw encodeError(`a jump to ${name}, which is not further down in the program`);
    return distance;
  }

  instructions(): readonly ClassicInstruction[] {
    const all = this.#lines.flatMap((line, i) => {
      if (line.kind === 'label') return [];
      if (line.kind === 'plain') return [{ code: line.code, jt: 0, jf: 0, k: line.k }];
      const [yes, no] = [this.#distance(i, line.yes), this.#distance(i, line.no)];
      if (line.code === ALWAYS) return [{ code: ALWAYS, jt: 0, jf: 0, k: yes }];
      if (!this.#far.has(line)) return [{ code: line.code, jt: yes, jf: no, k: line.k }];
      const over = (distance: number) => ({ code: ALWAYS, jt: 0, jf: 0, k: distance });
      return [{ code: line.code, jt: 0, jf: 1, k: line.k }, over(yes - 1), over(no - 2)];
    });
    if (all.length <= MAX_INSTRUCTIONS) return all;
    throw encodeError(`a filter of ${all.length} instructions; the kernel takes ${MAX_INSTRUCTIONS}`);
  }
}
