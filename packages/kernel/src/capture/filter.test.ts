import assert from 'node:assert/strict';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import fc from 'fast-check';
import { ClassicAssembler, encodeClassicProgram, formatClassicProgram } from './classic-bpf.ts';
import { runClassicProgram } from './classic-interpreter.ts';
import { type Filter, formatFilter } from './filter.ts';
import { compileFilter } from './filter-compiler.ts';
import { filter, frame } from './frames.fixture.ts';

const passes = (wanted: Filter, bytes: Buffer) => runClassicProgram(compileFilter(wanted), bytes) > 0;
const refused = (code: string) => (error: unknown) => hasCode(error, code);

test('and, or and not mean what they say', () => {
  fc.assert(
    fc.property(filter, filter, frame, (a, b, bytes) => {
      assert.equal(passes({ and: [a, b] }, bytes), passes(a, bytes) && passes(b, bytes));
      assert.equal(passes({ or: [a, b] }, bytes), passes(a, bytes) || passes(b, bytes));
      assert.equal(passes({ not: a }, bytes), !passes(a, bytes));
    }),
  );
  const bytes = Buffer.alloc(60);
  assert.ok(passes({ and: [] }, bytes));
  assert.ok(!passes({ or: [] }, bytes));
});

test('a filter is printed as tcpdump wants it', () => {
  const wanted: Filter = {
    and: [
      { protocol: 'tcp' },
      { or: [{ port: 80 }, { port: [8000, 8999], direction: 'dst' }] },
      { not: { net: '10.0.0.0/8', direction: 'src' } },
      { mac: '02:00:00:00:00:01' },
    ],
  };
  const expression =
    '(tcp) and ((port 80) or (dst portrange 8000-8999)) and (not (src net 10.0.0.0/8)) and (ether host 02:00:00:00:00:01)';
  assert.equal(formatFilter(wanted), expression);
});

test('the smallest program, as tcpdump -ddd prints it and as the kernel takes it', () => {
  const program = compileFilter({ protocol: 'arp' }, { snapLength: 96 });
  assert.equal(formatClassicProgram(program), '40 0 0 12\n21 0 1 2054\n6 0 0 96\n6 0 0 0');
  assert.equal(encodeClassicProgram(program).toString('hex').slice(16, 32), '1500000106080000');
});

test('jumps further than eight bits reach their target', () => {
  const hosts = Array.from({ length: 150 }, (_, i) => ({ host: `10.0.${i}.1` }));
  const program = compileFilter({ or: hosts });
  assert.ok(program.length > 1000);
  const packet = (last: number) =>
    Buffer.from(
      `${'00'.repeat(12)}0800${'45'.padEnd(24, '0')}0a00${last.toString(16).padStart(2, '0')}01${'00'.repeat(24)}`,
      'hex',
    );
  for (const i of [0, 1, 100, 149]) assert.ok(runClassicProgram(program, packet(i)) > 0, `host ${i}`);
  assert.equal(runClassicProgram(program, packet(150)), 0);
});

test('what cannot be a filter is refused', () => {
  assert.throws(() => compileFilter({ host: '10.0.0.300' }), refused('BASE_BAD_ADDRESS'));
  assert.throws(() => compileFilter({ net: '10.0.0.0/33' }), refused('BASE_BAD_PREFIX'));
  assert.throws(() => compileFilter({ port: 65_536 }), refused('KERNEL_ENCODE'));
  assert.throws(() => compileFilter({ port: [80, 79] }), refused('KERNEL_ENCODE'));
  assert.throws(() => compileFilter({ mac: '02:00' }), refused('KERNEL_ENCODE'));
  assert.throws(() => compileFilter({ etherType: 46 }), refused('KERNEL_ENCODE'));
  const many = Array.from({ length: 500 }, (_, i) => ({ host: `10.1.${i >> 8}.${i & 255}` }));
  assert.throws(() => compileFilter({ or: many }), refused('KERNEL_ENCODE'));
  assert.throws(() => new ClassicAssembler().label('up').goto('up').finish(), refused('KERNEL_ENCODE'));
  assert.throws(() => new ClassicAssembler().goto('nowhere').finish(), refused('KERNEL_ENCODE'));
});

test('a word that means nothing is refused with the words that do, by the compiler and the printer', () => {
  for (const [wrong, message] of [
    [{ protocol: 'http' }, /"http" as a protocol of a filter; write ip, ip6, .*, icmp6$/],
    [{ prot: 'tcp' }, /"prot" as what a filter is by; write protocol, etherType, .*, not$/],
    [{}, /write protocol/],
    [undefined, /undefined as a filter/],
    [{ net: '10.0.0.1/8' }, /"10.0.0.1\/8" .* host bits; write net 10.0.0.0\/8/],
    [{ net: 'fd00::1/8' }, /write net fd00::\/8/],
    [{ net: 10 }, /10 as a net/],
    [{ host: 10 }, /10 as a host/],
    [{ port: 53, direction: 'in' }, /"in" as a direction of a filter; write src, dst$/],
    [{ protocol: 'udp', port: 53 }, /protocol and port in one filter; write \{ and: \[...\] \}/],
    [{ and: [{ not: { prot: 'tcp' } }] }, /"prot"/],
    [{ or: 5 }, /a list of filters/],
  ] as const) {
    for (const use of [compileFilter, formatFilter])
      assert.throws(() => use(wrong as unknown as Filter), { code: 'KERNEL_ENCODE', message });
  }
  assert.throws(() => compileFilter({ port: 1 }, { link: 'eth' as 'ip' }), { code: 'KERNEL_ENCODE' });
  assert.equal(formatFilter({ net: '10.0.0.1/32' }), 'net 10.0.0.1/32');
});

test('a load beyond the end of the packet drops it', () => {
  assert.ok(!passes({ protocol: 'ip' }, Buffer.alloc(13)));
  assert.ok(!passes({ not: { protocol: 'ip' } }, Buffer.alloc(13)));
});
