import fs from 'node:fs';
import path from 'node:path';
import { type Bind, createMountNamespace, type MountNamespace } from '@podwire/kernel';

export interface ContainerMountsOptions {
  /** Of this run of the container alone; made when a program starts. */
  readonly directory: string;
  /** The pod's files and volumes, outer places first. */
  readonly binds: readonly Bind[];
  readonly warn: (message: string) => void;
}

/** What the programs of one run of a container see as files: the machine's under a layer of their own, and their volumes. */
export class ContainerMounts {
  readonly #options: ContainerMountsOptions;
  #namespace: MountNamespace | undefined;
  #isClosed = false;

  constructor(options: ContainerMountsOptions) {
    this.#options = options;
  }

  /** Made for the first program: most containers never have one. Throws KernelError. */
  get namespace(): MountNamespace {
    if (this.#isClosed) throw new Error('the container has ended');
    this.#namespace ??= this.#make();
    return this.#namespace;
  }

  /** Where on the machine a path of the container is, if it is in a volume; else the path. */
  sourceOf(file: string): string {
    const holding = this.#options.binds.findLast(({ target }) => file === target || file.startsWith(`${target}/`));
    return holding ? path.join(holding.source, file.slice(holding.target.length)) : file;
  }

  /** Programs that still run keep what they have. */
  close(): void {
    this.#isClosed = true;
    this.#namespace?.close();
    this.#namespace = undefined;
    fs.rmSync(this.#options.directory, { recursive: true, force: true });
  }

  #make(): MountNamespace {
    const { directory, binds, warn } = this.#options;
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const made = createMountNamespace({ directory, binds });
    for (const { target } of made.missing)
      warn(`nothing is mounted at ${target}: this machine has no such file, and its kernel no overlayfs to make one`);
    return made;
  }
}
