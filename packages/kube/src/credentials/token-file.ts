import { readFile, stat } from 'node:fs/promises';
import { messageOf, PodwireError } from '@podwire/base';
import type { Credential, CredentialSource } from './credential.ts';

/** How long a token is used without a look at the file, in ms. */
const TRUSTED = 1000;

/** A token in a file that someone else rotates: it is read again when the file has changed. */
export class TokenFile implements CredentialSource {
  readonly #file: string;
  #token: string | undefined;
  #version = '';
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(file: string) {
    this.#file = file;
  }

  async current(): Promise<Credential> {
    if (this.#token === undefined || performance.now() - this.#lookedAt > TRUSTED) await this.#look();
    return { authorization: `Bearer ${this.#token}` };
  }

  refused(): boolean {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
    this.#version = '';
    return true;
  }

  /** While the file is being replaced, or is empty, the last token stays in use. */
  async #look(): Promise<void> {
    try {
      // A volume swaps a symbolic link: the inode tells even when size and time are the same.
      const { ino, mtimeMs, size } = await stat(this.#file);
      const version = `${ino} ${mtimeMs} ${size}`;
      if (version === this.#version) return;
      const token = (await readFile(this.#file, 'utf8')).trim();
      if (token === '') throw new Error('it is empty');
      this.#token = token;
      this.#version = version;
    } catch (cause) {
      if (this.#token !== undefined) return;
      const why = `the token file ${this.#file} cannot be used: ${messageOf(cause)}; check that it is mounted and readable`;
      throw new PodwireError('KUBE_BAD_KUBECONFIG', why, { cause, details: { file: this.#file } });
    } finally {
      this.#lookedAt = performance.now();
    }
  }
}
