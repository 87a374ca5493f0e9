/** What a stream shows, in the notation of `patternOf`; absent: nothing. */
export interface Expected {
  /** Status of the exit; 0 unless said. */
  readonly exit?: number;
  readonly out?: string;
  readonly err?: string;
  /** Standard input: text, or an object as JSON. */
  readonly input?: string | object;
  readonly env?: Readonly<Record<string, string>>;
  /** The oldest and the newest minor of kubectl it holds for. */
  readonly from?: number;
  readonly until?: number;
  /** Of a command that watches: what happens meanwhile, over and over, until the output is there. `%` is a number. */
  readonly meanwhile?: string;
}

/** One invocation of kubectl, its words as a shell would split them, and what a cluster answers. */
export interface Row extends Expected {
  readonly run: string;
}

/** Invocations that follow each other in a namespace and a folder of their own. */
export interface Script {
  /** Also the name of the namespace. */
  readonly name: string;
  /** Files of the folder; those whose name ends in `.sh` are programs. */
  readonly files?: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** A command that succeeds with this output. */
export function ok(run: string, out: string, more: Expected = {}): Row {
  return { run, out, ...more };
}

/** A command that fails with this message. */
export function fails(run: string, err: string, more: Expected = {}): Row {
  return { run, err, exit: 1, ...more };
}
