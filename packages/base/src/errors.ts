/** What a package promises about one of its error codes; the table is kept equal to its README by a test. */
export type ErrorCodeTable = Readonly<Record<string, string>>;

/**
 * The one base class of every error podwire throws on purpose. `message` says what happened, to what, why, and what to
 * do next; `code` is stable and listed in the package's code table; `details` are plain data for `-o json`.
 */
export class PodwireError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PodwireError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof PodwireError && error.code === code;
}

/** The message of anything thrown, for logs and status lines. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const BASE_ERRORS = {
  BASE_BAD_ADDRESS: 'text is not an IP address in canonical notation',
  BASE_BAD_PREFIX: 'text is not an address/length prefix',
} as const satisfies ErrorCodeTable;
