import type { ApiResponse } from '../seam.ts';

/** Of all warnings together: clients take no more than some kilobytes of headers. */
const MAX_LETTERS = 4096;

/** The answer with Warning headers (RFC 7234 section 5.5), as kubectl prints them; what is too much is left out. */
export function withWarnings(response: ApiResponse, warnings: readonly string[]): ApiResponse {
  if (warnings.length === 0) return response;
  let letters = 0;
  const lines: string[] = [];
  for (const text of warnings) {
    letters += text.length;
    if (letters <= MAX_LETTERS) lines.push(`299 - "${text.replace(/[^ -~]/g, ' ').replace(/["\\]/g, '\\$&')}"`);
  }
  const before = response.headers?.warning ?? [];
  return { ...response, headers: { ...response.headers, warning: [before, lines].flat() } };
}
