/** Calls that literals the library cannot read are written as. */
export const OPTIONAL_ENTRY = 'optional_entry__';
export const STRUCT = 'struct__';

/** Comments, texts, names, numbers and signs; a text without an end is all the rest. */
const TEXT =
  /[bBrR]?(?:"""(?:\\[\s\S]|(?!""")[^\\])*"""|'''(?:\\[\s\S]|(?!''')[^\\])*'''|"(?!"")(?:\\.|[^"\\\n])*"|'(?!'')(?:\\.|[^'\\\n])*')/;
const TOKEN = new RegExp(`\\s+|//[^\\n]*|${TEXT.source}|["'][\\s\\S]*|[A-Za-z_]\\w*|\\d\\w*|[\\s\\S]`, 'y');
/** Texts without any of this are right as they are. */
const EXTENDED = /[[{,]\s*(\?|\/\/)|\w\s*\{/;
const WORDS = new Set(['in', 'true', 'false', 'null']);

/**
 * Writes literals with optional entries, and those of structs, as calls:
 *
 *     [?a, b]           ─▶ [optional_entry__(a), b]
 *     {?k: a}           ─▶ {optional_entry__(k): a}
 *     Object.spec{?f: a} ─▶ struct__('Object.spec', {optional_entry__('f'): a})
 */
export function plainLiterals(text: string): string {
  return EXTENDED.test(text) ? new Rewriting().of(text) : text;
}

type Kind = 'parentheses' | 'index' | 'list' | 'map' | 'struct';

/** What is between two brackets. */
interface Frame {
  readonly kind: Kind;
  /** An entry begins with what comes next. */
  isStart: boolean;
  /** Of a map or struct: what comes next belongs to a value. */
  isValue: boolean;
  isOptional: boolean;
  /** Conditions that are still to have their other branch. */
  conditions: number;
}

class Rewriting {
  readonly #out: string[] = [];
  readonly #frames: Frame[] = [];
  /** The last that is no blank and no comment, and the one before it. */
  #last = '';
  #before = '';
  /** Where a name with dots begins in what is written. */
  #nameAt = 0;

  of(text: string): string {
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) this.#take(match[0]);
    return this.#out.join('');
  }

  #take(token: string): void {
    if (/^(\s|\/\/)/.test(token)) {
      this.#out.push(token);
      return;
    }
    if (token === '[') this.#open(this.#isAfterOperand() ? 'index' : 'list', token);
    else if (token === '(') this.#open('parentheses', token);
    else if (token === '{') this.#openBrace();
    else if (token === ']' || token === '}' || token === ')') this.#close(token);
    else this.#inside(token);
    this.#before = this.#last;
    this.#last = token;
  }

  #isAfterOperand(): boolean {
    return /[\w"')\]}]$/.test(this.#last) && this.#last !== 'in';
  }

  #isName(token: string): boolean {
    return /^[A-Za-z_]\w*$/.test(token) && !WORDS.has(token);
  }

  #open(kind: Kind, token: string): void {
    this.#entered();
    this.#out.push(token);
    this.#frames.push({ kind, isStart: true, isValue: false, isOptional: false, conditions: 0 });
  }

  #openBrace(): void {
    if (!this.#isName(this.#last)) {
      this.#open('map', '{');
      return;
    }
    const name = this.#out
      .splice(this.#nameAt)
      .join('')
      .replace(/\/\/[^\n]*|\s/g, '');
    this.#open('struct', `${STRUCT}('${name}', {`);
  }

  #close(token: string): void {
    const frame = this.#frames.pop();
    if (frame?.kind === 'list') this.#endOptional(frame);
    this.#out.push(frame?.kind === 'struct' && token === '}' ? '})' : token);
  }

  #inside(token: string): void {
    const frame = this.#frames.at(-1);
    if (frame && this.#punctuation(token, frame)) return;
    const isField = frame?.kind === 'struct' && frame.isStart && /^[A-Za-z_]/.test(token);
    this.#entered();
    if (this.#isName(token) && !(this.#last === '.' && this.#isName(this.#before))) this.#nameAt = this.#out.length;
    this.#out.push(isField ? `'${token}'` : token);
  }

  #entered(): void {
    const frame = this.#frames.at(-1);
    if (frame) frame.isStart = false;
  }

  /** Whether it was a sign that means something to the frame. */
  #punctuation(token: string, frame: Frame): boolean {
    const { kind } = frame;
    if (token === '?') return this.#question(frame);
    if (token === ',' && kind !== 'index') {
      if (kind === 'list') this.#endOptional(frame);
      Object.assign(frame, { isStart: true, isValue: false, conditions: 0 });
    } else if (token === ':' && frame.conditions > 0) {
      frame.conditions--;
    } else if (token === ':' && !frame.isValue) {
      this.#endOptional(frame);
      frame.isValue = true;
    } else return false;
    this.#out.push(token);
    return true;
  }

  #question(frame: Frame): boolean {
    const { kind } = frame;
    if (frame.isStart && (kind === 'list' || kind === 'map' || kind === 'struct')) {
      frame.isOptional = true;
      this.#out.push(`${OPTIONAL_ENTRY}(`);
      return true;
    }
    const isSelection = this.#last === '.' || (kind === 'index' && frame.isStart);
    if (!isSelection) frame.conditions++;
    this.#out.push('?');
    return true;
  }

  #endOptional(frame: Frame): void {
    if (frame.isOptional) this.#out.push(')');
    frame.isOptional = false;
  }
}
