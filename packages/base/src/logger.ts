export type LogLevel = 'debug' | 'info' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/** One line per event: a constant message and key/value pairs. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level?: LogLevel;
  readonly format?: 'json' | 'logfmt';
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
}

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, error: 2 };

function logfmtValue(value: unknown): string {
  const text =
    typeof value === 'string' ? value : value instanceof Error ? value.message : (JSON.stringify(value) ?? 'undefined');
  return /^[\w.:/@%+,-]+$/.test(text) ? text : JSON.stringify(text);
}

function formatLine(format: 'json' | 'logfmt', entry: LogFields): string {
  if (format === 'logfmt')
    return Object.entries(entry)
      .map(([k, v]) => `${k}=${logfmtValue(v)}`)
      .join(' ');
  return JSON.stringify(entry, (_, v) => (v instanceof Error ? v.message : v));
}

/** Writes one logfmt (default) or JSON line per call to stderr or to `write`. */
export function createLogger(options: LoggerOptions = {}, bound: LogFields = {}): Logger {
  const {
    level = 'info',
    format = 'logfmt',
    write = (line) => process.stderr.write(`${line}\n`),
    now = () => new Date(),
  } = options;
  const log =
    (at: LogLevel) =>
    (msg: string, fields: LogFields = {}) => {
      if (ORDER[at] >= ORDER[level])
        write(formatLine(format, { time: now().toISOString(), level: at, msg, ...bound, ...fields }));
    };
  return {
    debug: log('debug'),
    info: log('info'),
    error: log('error'),
    child: (fields) => createLogger(options, { ...bound, ...fields }),
  };
}

const nothing = (): void => {};
export const silentLogger: Logger = { debug: nothing, info: nothing, error: nothing, child: () => silentLogger };
