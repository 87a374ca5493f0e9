import fs from 'node:fs';

interface BtfType {
  readonly kind: number;
  readonly name: string;
  readonly size: number;
  readonly elements: number;
  readonly members: readonly { readonly name: string; readonly type: number; readonly value: number }[];
}

const KIND = { ARRAY: 3, STRUCT: 4, UNION: 5, ENUM: 6, POINTER: 2 } as const;
/** Bytes after the header of a type, and for each member. */
const EXTRA: Readonly<Record<number, readonly [once: number, each: number]>> = {
  1: [4, 0],
  3: [12, 0],
  4: [0, 12],
  5: [0, 12],
  6: [0, 8],
  13: [0, 8],
  14: [4, 0],
  15: [0, 12],
  17: [4, 0],
  19: [0, 12],
};

/** For tests: the types of the running kernel, Documentation/bpf/btf.rst; undefined where it does not tell. */
export function kernelTypes(): readonly BtfType[] | undefined {
  const file = '/sys/kernel/btf/vmlinux';
  if (!fs.existsSync(file)) return undefined;
  const b = fs.readFileSync(file);
  const [header = 0, typesAt = 0, typesLength = 0, stringsAt = 0] = [4, 8, 12, 16].map((at) => b.readUInt32LE(at));
  const text = (at: number) => {
    const start = header + stringsAt + b.readUInt32LE(at);
    return b.toString('latin1', start, b.indexOf(0, start));
  };
  const types: BtfType[] = [{ kind: 0, name: '', size: 0, elements: 0, members: [] }];
  for (let at = header + typesAt; at < header + typesAt + typesLength; ) {
    const info = b.readUInt32LE(at + 4);
    const kind = (info >>> 24) & 31;
    const count = info & 0xffff;
    const [once, each] = EXTRA[kind] ?? [0, 0];
    const member = (i: number) => {
      const place = at + 12 + i * each;
      if (kind === KIND.ENUM) return { name: text(place), type: 0, value: b.readInt32LE(place + 4) };
      const bits = b.readUInt32LE(place + 8) & (info >>> 31 ? 0xffffff : 0xffffffff);
      return { name: text(place), type: b.readUInt32LE(place + 4), value: bits / 8 };
    };
    const listed = kind === KIND.STRUCT || kind === KIND.UNION || kind === KIND.ENUM ? count : 0;
    const members = Array.from({ length: listed }, (_, i) => member(i));
    const elements = kind === KIND.ARRAY ? b.readUInt32LE(at + 20) : 0;
    types.push({ kind, name: text(at), size: b.readUInt32LE(at + 8), elements, members });
    at += 12 + once + each * (EXTRA[kind] ? count : 0);
  }
  return types;
}

/** Names and numbers of an enum. */
export function enumOf(types: readonly BtfType[], name: string): Map<string, number> {
  const found = types.find((type) => type.kind === KIND.ENUM && type.name === name);
  return new Map(found?.members.map((member) => [member.name, member.value]));
}

/** Offsets of the fields of a struct, those in nameless members included. */
export function fieldsOf(types: readonly BtfType[], name: string): Map<string, number> {
  const fields = new Map<string, number>();
  const visit = (type: BtfType | undefined, base: number): void => {
    for (const member of type?.members ?? []) {
      if (member.name === '') visit(types[member.type], base + member.value);
      else fields.set(member.name, base + member.value);
    }
  };
  visit(
    types.find((type) => (type.kind === KIND.STRUCT || type.kind === KIND.UNION) && type.name === name),
    0,
  );
  return fields;
}

/** The size of a struct. */
export function sizeOf(types: readonly BtfType[], name: string): number | undefined {
  return types.find((type) => type.kind === KIND.STRUCT && type.name === name)?.size;
}
