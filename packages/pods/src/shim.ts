import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PodwireError } from '@podwire/base';
import { SHIM_NAME } from './conflist.ts';

const SOURCES = fileURLToPath(new URL('../shim/', import.meta.url));
const run = promisify(execFile);

export interface ShimOptions {
  /** Path the shim connects to; written beside it. Absent: /run/podwire/cni.sock. */
  readonly socketPath?: string;
  /** Tried in this order; the first that is there and works is used. */
  readonly compilers?: readonly string[];
}

/**
 * Puts the CNI binary `podwire-cni` into a directory: the C program, linked statically where the compiler can, or the
 * Node script where there is no compiler. The binary appears by rename, so a runtime never starts half of one.
 */
export async function buildShim(targetDirectory: string, options: ShimOptions = {}): Promise<'c' | 'node'> {
  const target = join(targetDirectory, SHIM_NAME);
  // others may build it at the same time
  const temporary = join(targetDirectory, `.${SHIM_NAME}.${randomUUID()}`);
  try {
    mkdirSync(targetDirectory, { recursive: true, mode: 0o755 });
    if (options.socketPath !== undefined) writeFileSync(`${target}.conf`, `${options.socketPath}\n`, { mode: 0o644 });
    const compiled = await compile(temporary, options.compilers ?? ['cc', 'gcc', 'clang']);
    if (!compiled) copyScript(targetDirectory, temporary);
    chmodSync(temporary, 0o755);
    renameSync(temporary, target);
    return compiled ? 'c' : 'node';
  } catch (cause) {
    throw new PodwireError(
      'PODS_SHIM',
      `cannot put the CNI binary into ${targetDirectory}; check space and permissions`,
      { cause },
    );
  } finally {
    rmSync(temporary, { force: true });
  }
}

async function compile(output: string, compilers: readonly string[]): Promise<boolean> {
  for (const compiler of compilers) {
    for (const linking of [['-static'], []]) {
      const options = ['-O2', '-s', '-Wall', ...linking, '-o', output, join(SOURCES, 'podwire-cni.c')];
      if (
        await run(compiler, options).then(
          () => true,
          () => false,
        )
      )
        return true;
    }
  }
  return false;
}

/**
 * The runtime looks for a file without an ending, which an older Node takes for CommonJS: so a line of CommonJS that
 * imports the script beside it. Named by absolute path, since a runtime's PATH may lack node.
 */
function copyScript(targetDirectory: string, output: string): void {
  const script = join(targetDirectory, `${SHIM_NAME}.mjs`);
  writeFileSync(script, readFileSync(join(SOURCES, `${SHIM_NAME}.mjs`)), { mode: 0o644 });
  writeFileSync(output, `#!${process.execPath}\nimport(require('node:path').join(__dirname, '${SHIM_NAME}.mjs'));\n`);
}
