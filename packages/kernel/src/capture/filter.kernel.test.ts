import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { runClassicProgram } from './classic-interpreter.ts';
import { formatFilter } from './filter.ts';
import { type CompileFilterOptions, compileFilter } from './filter-compiler.ts';
import { filter, frame } from './frames.fixture.ts';
import { LINK_TYPE } from './pcapng-block.ts';
import { encodePcapngBlock } from './pcapng-encoder.ts';

const SECOND = 1_000_000_000n;

/** A capture file whose packet `i` has the time of `i` seconds. */
function writePackets(file: string, linkType: number, packets: readonly Buffer[]): void {
  const blocks = packets.map((bytes, i) =>
    encodePcapngBlock({ type: 'packet', interface: 0, time: BigInt(i) * SECOND, bytes }),
  );
  const head = [
    encodePcapngBlock({ type: 'section' }),
    encodePcapngBlock({ type: 'interface', linkType, snapLength: 0 }),
  ];
  fs.writeFileSync(file, Buffer.concat([...head, ...blocks]));
}

/** The numbers of the packets that tcpdump lets through; it writes the old format. */
function tcpdumpVerdict(file: string, expression: string): number[] {
  const { status, stdout, stderr } = spawnSync('tcpdump', ['-r', file, '-w', '-', expression]);
  if (/expression rejects all packets/.test(stderr.toString())) return [];
  assert.equal(status, 0, stderr.toString());
  const numbers: number[] = [];
  for (let at = 24; at < stdout.length; at += 16 + stdout.readUInt32LE(at + 8)) numbers.push(stdout.readUInt32LE(at));
  return numbers;
}

/** What precedes the network header in a cooked packet of a file, for an Ethernet frame. */
const sll2Header = (bytes: Buffer) => Buffer.concat([bytes.subarray(12, 14), Buffer.alloc(18)]);

const LAYERS = [
  { link: 'ethernet', linkType: LINK_TYPE.ethernet, packetOf: (bytes: Buffer) => bytes },
  {
    link: 'sll2',
    linkType: LINK_TYPE.sll2,
    packetOf: (bytes: Buffer) => Buffer.concat([sll2Header(bytes), bytes.subarray(14)]),
  },
  { link: 'ip', linkType: LINK_TYPE.raw, packetOf: (bytes: Buffer) => bytes.subarray(14) },
] as const;

for (const { link, linkType, packetOf } of LAYERS) {
  test(`filters say of ${link} packets what tcpdump says`, () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-filter-'));
    try {
      const file = path.join(directory, 'packets.pcapng');
      const options: CompileFilterOptions = { link };
      // cooked and raw packets have no MAC addresses, and tcpdump refuses to look for them
      const isAsked = (expression: string) => link === 'ethernet' || !/ether|arp/.test(expression);
      const many = fc.array(frame, { minLength: 150, maxLength: 150 });
      const property = fc.property(many, filter, (frames, wanted) => {
        const expression = formatFilter(wanted);
        fc.pre(isAsked(expression));
        const packets = frames.map(packetOf);
        writePackets(file, linkType, packets);
        const program = compileFilter(wanted, options);
        const ours = packets.flatMap((bytes, i) => (runClassicProgram(program, bytes) > 0 ? [i] : []));
        assert.deepEqual(ours, tcpdumpVerdict(file, expression), expression);
      });
      fc.assert(property, { numRuns: 60, endOnFailure: true });
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
}
