import type { AttributeWriter } from './attribute-writer.ts';
import type { ElementStatement, Rate } from './model.ts';
import { whole } from './whole-number.ts';
import { EXPRESSION } from './wire.ts';

export const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 } as const;

/** NFTA_LIMIT_*; the kernel's burst of bytes is 0 unless given, of packets nft's default. */
export function writeRate(out: AttributeWriter, { rate, per, unit = 'packets', burst, over }: Rate): void {
  const bytes = unit === 'bytes';
  out
    .u64(1, whole(rate))
    .u64(2, SECONDS[per])
    .u32(3, whole(burst ?? (bytes ? 0 : 5), 32))
    .u32(4, bytes ? 1 : 0)
    .u32(5, over ? 1 : 0);
}

/** NFTA_COUNTER_* */
export function writeCounter(out: AttributeWriter, { packets, bytes }: { packets?: number; bytes?: number }): void {
  if (packets === undefined && bytes === undefined) return;
  out.u64(1, whole(bytes ?? 0)).u64(2, whole(packets ?? 0));
}

/** NFTA_QUOTA_* */
export function writeQuota(
  out: AttributeWriter,
  { bytes, used, over }: { bytes: number; used?: number; over?: boolean },
): void {
  out.u64(1, whole(bytes)).u32(2, over ? 1 : 0);
  if (used) out.u64(4, whole(used));
}

/** The expression of a statement that keeps state: its name and its attributes. */
export function writeElementStatement(out: AttributeWriter, statement: ElementStatement): void {
  const name = statement.kind === 'ct-count' ? 'connlimit' : statement.kind;
  out.text(EXPRESSION.name, name).nest(EXPRESSION.data, () => {
    switch (statement.kind) {
      case 'counter':
        return writeCounter(out, statement);
      case 'limit':
        return writeRate(out, statement);
      case 'quota':
        return writeQuota(out, statement);
      case 'ct-count': // NFTA_CONNLIMIT_*
        out.u32(1, whole(statement.count, 32)).u32(2, statement.over ? 1 : 0);
    }
  });
}
