import koffi from 'koffi';

let trim: ((keep: number) => number) | undefined;

/** Gives back to the kernel what the C library's allocator keeps of freed memory; malloc_trim(3). Nothing where it has none (musl). */
export function trimAllocator(): void {
  try {
    trim ??= koffi.load(null).func('int malloc_trim(size_t)');
  } catch {
    trim ??= () => 0;
  }
  trim?.(0);
}
