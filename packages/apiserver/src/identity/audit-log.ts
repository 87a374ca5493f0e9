import { createWriteStream, type WriteStream } from 'node:fs';
import { chmod, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Attributes } from '../authorization/attributes.ts';
import type { User } from '../seam.ts';

/** One request, when it has been answered. */
export interface AuditEntry {
  /** Absent when it was refused before anybody was known. */
  readonly user: User | undefined;
  /** Who the user really is, when acting as another. */
  readonly impersonator?: User | undefined;
  readonly asked: Attributes;
  /** What admission has to say. */
  readonly annotations?: ReadonlyMap<string, string>;
  readonly source: string | undefined;
  readonly status: number;
  readonly started: Date;
  /** In ms. */
  readonly duration: number;
}

const LONGEST = 1024;

/** Appends one line of JSON per request to a file of mode 0600: who did what; no bodies, no queries, no credentials. */
export class AuditLog {
  readonly #stream: WriteStream;
  #failed = false;

  private constructor(stream: WriteStream) {
    this.#stream = stream;
    // A full disk must not stop the server; what could not be written is lost.
    stream.on('error', () => {
      this.#failed = true;
    });
  }

  static async open(path: string): Promise<AuditLog> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'a', 0o600);
    await file.close();
    // It may have been there.
    await chmod(path, 0o600);
    return new AuditLog(createWriteStream(path, { flags: 'a', mode: 0o600 }));
  }

  write(entry: AuditEntry): void {
    if (!this.#failed) this.#stream.write(`${auditLine(entry)}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }
}

/** JSON escapes what would begin a new line. */
export function auditLine(entry: AuditEntry): string {
  const { user, impersonator, asked, source, status, started, duration, annotations } = entry;
  const { verb, resource, path } = asked;
  return JSON.stringify({
    time: started.toISOString(),
    user: user?.name.slice(0, LONGEST) ?? null,
    groups: user?.groups.slice(0, 32),
    impersonator: impersonator?.name.slice(0, LONGEST),
    source,
    verb,
    group: resource?.group || undefined,
    resource: resource?.resource,
    subresource: resource?.subresource || undefined,
    namespace: resource?.namespace || undefined,
    name: resource?.name || undefined,
    path: path.slice(0, LONGEST),
    status,
    ms: Math.round(duration * 10) / 10,
    annotations: annotations?.size ? Object.fromEntries(annotations) : undefined,
  });
}
