/** What a log says of why its process ended: its last error, or else the last line that is no stack and no banner. */
export function lastWords(log: string): string {
  const lines = log.split('\n').map((line) => line.trimEnd());
  const error = lines.findLast((line) => /^(Uncaught )?\w*Error\b|\blevel=error\b|"level":"error"/.test(line));
  return error ?? lines.findLast((line) => line !== '' && !/^Node\.js v|^\s+at |^[\s^~]+$|^[{}]/.test(line)) ?? '';
}
