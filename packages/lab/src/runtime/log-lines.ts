/** The line form of the CRI: `time stream F text`; P marks a piece of a line that goes on. */
const MAX_LINE = 16_384;

export type LogStream = 'stdout' | 'stderr';

/** Cuts chunks into lines and writes them in CRI form; an unfinished line waits for its end. One per stream. */
export class LineWriter {
  readonly #stream: LogStream;
  readonly #now: () => Date;
  #rest = '';

  constructor(stream: LogStream, now: () => Date) {
    this.#stream = stream;
    this.#now = now;
  }

  /** The finished lines, empty if none. `chunk` is in latin1, byte for byte. */
  push(chunk: string): string {
    const parts = (this.#rest + chunk).split('\n');
    this.#rest = parts.pop() ?? '';
    const prefix = `${this.#now().toISOString()} ${this.#stream} `;
    let text = parts.map((line) => `${prefix}F ${line}\n`).join('');
    while (this.#rest.length > MAX_LINE) {
      text += `${prefix}P ${this.#rest.slice(0, MAX_LINE)}\n`;
      this.#rest = this.#rest.slice(MAX_LINE);
    }
    return text;
  }

  end(): string {
    return this.#rest === '' ? '' : this.push('\n');
  }
}

export interface LogFilter {
  readonly tailLines?: number;
  /** Lines before this are left out. */
  readonly since?: Date;
  readonly timestamps?: boolean;
}

/** Renders stored text for `kubectl logs`. */
export function renderLog(stored: string, { tailLines, since, timestamps }: LogFilter): string {
  let lines = stored.split('\n').filter((line) => line !== '');
  if (since) {
    const limit = since.toISOString();
    lines = lines.filter((line) => line.slice(0, line.indexOf(' ')) >= limit);
  }
  if (tailLines !== undefined) lines = tailLines > 0 ? lines.slice(-tailLines) : [];
  return lines.map((line) => renderLine(line, timestamps ?? false)).join('');
}

function renderLine(line: string, timestamps: boolean): string {
  const match = /^(\S+) \S+ ([FP]) ?(.*)$/s.exec(line);
  if (!match) return '';
  const [, time = '', flag, text = ''] = match;
  return `${timestamps ? `${time} ` : ''}${text}${flag === 'F' ? '\n' : ''}`;
}
