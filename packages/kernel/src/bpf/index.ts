export { type AssembleOptions, assemble } from './assembler.ts';
export { type AttachPlace, attachedPrograms } from './attached-program.ts';
export { BPF_PROBES, type BpfProbeName, tryFunction } from './bpf-probe.ts';
export { attachCgroup, type CgroupAttachment, type CgroupAttachType, type CgroupTarget } from './cgroup-attachment.ts';
export { CONTEXTS, type ContextField, type ContextLayout } from './context.ts';
export { decodeProgram, disassemble } from './disassembler.ts';
export { type Layout, type LayoutValue, possibleCpus } from './element.ts';
export { FUNCTION_NUMBERS, type FunctionName } from './function-number.ts';
export type {
  AluOperator,
  AtomicOperator,
  Comparison,
  Instruction,
  MapReference,
  MemorySize,
  Operand,
  Register,
  SignedSize,
  Target,
} from './instruction.ts';
export {
  attachNetns,
  attachTcx,
  attachXdp,
  type BpfLink,
  linkIds,
  openLinkById,
  openPinnedLink,
} from './link.ts';
export { formatInstruction, type ListingOptions } from './listing.ts';
export {
  type BpfMap,
  createMap,
  type MapExpectation,
  mapIds,
  openMapById,
  openPinnedMap,
  type UpdateMode,
} from './map.ts';
export type { MapSpec } from './map-spec.ts';
export { MAP_FLAGS, MAP_TYPES, type MapFlag, type MapType, type PerCpuMapType } from './map-type.ts';
export * from './mnemonic.ts';
export type { LinkInfo, MapInfo, ProgramInfo } from './object-info.ts';
export {
  type BpfProgram,
  loadProgram,
  openPinnedProgram,
  openProgramById,
  type ProgramSpec,
  programIds,
  type TestRunInput,
  type TestRunResult,
  verifierLog,
} from './program.ts';
export {
  ATTACH_TYPES,
  type AttachType,
  LINK_TYPES,
  type LinkType,
  PROGRAM_TYPES,
  type ProgramType,
} from './program-type.ts';
export { openRingbuf, type Ringbuf, type RingbufOptions } from './ringbuf.ts';
