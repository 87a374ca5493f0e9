import type { PlaySpec } from './play.ts';

/** What the players' thread is told. */
export type ToWorker =
  | { readonly type: 'start'; readonly spec: PlaySpec }
  | { readonly type: 'stop'; readonly id: string }
  /** End the thread. */
  | { readonly type: 'end' }
  | { readonly type: 'shell-done'; readonly call: number; readonly output: string; readonly error?: string }
  | { readonly type: 'resolved'; readonly call: number; readonly address?: string; readonly error?: string };

/** What the players' thread tells. Log lines come in batches, [container id, line] each. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'started'; readonly id: string }
  | { readonly type: 'failed'; readonly id: string; readonly message: string }
  | { readonly type: 'stopped'; readonly id: string }
  | { readonly type: 'exited'; readonly id: string; readonly code: number }
  | { readonly type: 'logs'; readonly lines: readonly (readonly [id: string, line: string])[] }
  | { readonly type: 'shell'; readonly id: string; readonly call: number; readonly command: string }
  | { readonly type: 'resolve'; readonly id: string; readonly call: number; readonly name: string };
