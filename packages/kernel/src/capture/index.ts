export * from './classic-bpf.ts';
export { type PacketAncillary, runClassicProgram } from './classic-interpreter.ts';
export { type Direction, type Filter, type FilterProtocol, formatFilter } from './filter.ts';
export { type CompileFilterOptions, compileFilter, type FilterLinkLayer } from './filter-compiler.ts';
export { capturePackets, type PacketCapture, type PacketCaptureOptions } from './packet-capture.ts';
export {
  type InterfaceBlock,
  LINK_TYPE,
  type NamesBlock,
  type OtherBlock,
  type PacketBlock,
  type PcapngBlock,
  type SectionBlock,
  type StatisticsBlock,
} from './pcapng-block.ts';
export { decodePcapng } from './pcapng-decoder.ts';
export { encodePcapngBlock } from './pcapng-encoder.ts';
export { PcapngWriter } from './pcapng-writer.ts';
