import { PodwireError } from '@podwire/base';
import { encode, type Names } from './encoder.ts';
import { type Instruction, slotsOf } from './instruction.ts';
import { formatInstruction } from './listing.ts';
import { SlotWriter } from './slot-writer.ts';

const SLOT = 8;

export interface AssembleOptions {
  /** The maps that instructions call by name; a descriptor or something that has one. */
  readonly maps?: Names['maps'];
}

/**
 * A program as the kernel takes it, RFC 9669. Labels are resolved and every field is checked.
 * Throws KERNEL_BPF_ASSEMBLY with the instruction and what is wrong with it.
 */
export function assemble(program: readonly Instruction[], options: AssembleOptions = {}): Buffer {
  const labels = placeLabels(program);
  const slots = program.reduce((sum, instruction) => sum + slotsOf(instruction), 0);
  const out = Buffer.alloc(slots * SLOT);
  let slot = 0;
  for (const [index, instruction] of program.entries()) {
    const fail = (why: string) => failure(index, instruction, why);
    encode(instruction, new SlotWriter(out, slot, fail), { labels, maps: options.maps ?? {} });
    slot += slotsOf(instruction);
  }
  return out;
}

function failure(index: number, instruction: Instruction, why: string): PodwireError {
  const text = formatInstruction(instruction);
  const details = { index, instruction: text };
  return new PodwireError('KERNEL_BPF_ASSEMBLY', `instruction ${index} (${text}): ${why}`, { details });
}

function placeLabels(program: readonly Instruction[]): Map<string, number> {
  const labels = new Map<string, number>();
  let slot = 0;
  for (const [index, instruction] of program.entries()) {
    if (instruction.kind === 'label') {
      if (labels.has(instruction.name)) throw failure(index, instruction, 'this label exists already; rename one');
      labels.set(instruction.name, slot);
    }
    slot += slotsOf(instruction);
  }
  return labels;
}
