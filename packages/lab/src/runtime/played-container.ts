import { messageOf } from '@podwire/base';
import type { ContainerPlan } from '../players/container-plan.ts';
import type { Players } from '../players/players.ts';
import { BuiltinContainer, exitWith } from './builtin-container.ts';
import type { ContainerSpec } from './container-engine.ts';
import { runInPod } from './exec-session.ts';
import { lookUpInPod } from './pod-lookup.ts';

const SHELL_LIMITS = { timeout: 30_000, bytes: 1 << 20 };

/** A container whose ports are answered by the players' thread. */
export class PlayedContainer extends BuiltinContainer {
  readonly #plan: Extract<ContainerPlan, { kind: 'play' }>;
  readonly #players: Players;

  constructor(spec: ContainerSpec, plan: Extract<ContainerPlan, { kind: 'play' }>, players: Players) {
    super(spec);
    this.#plan = plan;
    this.#players = players;
  }

  override get notes(): readonly string[] {
    return this.#plan.notes;
  }

  async start(): Promise<void> {
    const { listeners, banner } = this.#plan;
    if (listeners.length === 0) {
      for (const line of banner)
        this.output(
          'stdout',
          `${line}
`,
        );
      return;
    }
    const { identity, sandbox } = this.spec;
    try {
      await this.#players.start(
        { id: this.id, netns: sandbox.netns.path, identity, listeners, banner },
        {
          log: (line) => this.output('stdout', `${logTime(new Date())} ${line}\n`),
          exited: (code) => this.ended(exitWith(code)),
          shell: (command) => this.#shell(command),
          resolve: (name) => lookUpInPod(this.spec, name),
        },
      );
    } catch (error) {
      // The program would start, and end because its port is taken.
      this.output('stderr', `${messageOf(error)}\n`);
      this.ended(exitWith(1));
    }
  }

  async stop(grace: number): Promise<void> {
    const delay = Math.min(this.#plan.stopDelay, grace);
    if (delay > 0) await Promise.race([this.exited, new Promise((resolve) => setTimeout(resolve, delay))]);
    await this.#players.end(this.id);
    this.ended(exitWith(0));
  }

  async #shell(command: string): Promise<{ output: string; error?: string }> {
    try {
      const { code, output, timedOut } = await runInPod(this.spec, ['sh', '-c', command], SHELL_LIMITS);
      if (timedOut) return { output, error: `killed after ${SHELL_LIMITS.timeout / 1000} s` };
      return code === 0 ? { output } : { output, error: `exit status ${code}` };
    } catch (error) {
      return { output: '', error: messageOf(error) };
    }
  }
}

/** As Go's log package writes it. */
function logTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/');
}
