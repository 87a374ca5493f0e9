/** When and how one run of a container ended. */
export interface Termination {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly containerId: string;
}

export type ContainerState =
  | { readonly state: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly state: 'running'; readonly startedAt: Date }
  | { readonly state: 'terminated'; readonly end: Termination };

/** A container as its pod's status shows it. */
export interface ContainerView {
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly containerId: string;
  readonly state: ContainerState;
  readonly last: Termination | undefined;
  readonly restarts: number;
  /** Runs and has passed its startup probe. */
  readonly started: boolean;
  readonly ready: boolean;
}
