import type { Logger } from '@podwire/base';
import type { RoomStatus } from '@podwire/kube';

/** Says in the log what is wrong in rooms, and of each such thing when it is so no more. */
export class RoomErrors {
  readonly #logger: Logger;
  #told: readonly { readonly room: string; readonly reason: string }[];

  constructor(logger: Logger, rooms: readonly RoomStatus[]) {
    this.#logger = logger;
    this.#told = rooms.flatMap(({ room, errors }) => errors.map((reason) => ({ room, reason })));
    for (const what of this.#told) logger.error('something is wrong in a room', what);
  }

  /** Nothing of it is wrong any more. */
  get empty(): boolean {
    return this.#told.length === 0;
  }

  look(rooms: readonly RoomStatus[]): void {
    const present = new Map(rooms.map(({ room, errors }) => [room, new Set(errors)]));
    const isWrong = (what: { readonly room: string; readonly reason: string }): boolean =>
      present.get(what.room)?.has(what.reason) === true;
    for (const what of this.#told) if (!isWrong(what)) this.#logger.info('this is wrong in a room no more', what);
    this.#told = this.#told.filter(isWrong);
  }
}
