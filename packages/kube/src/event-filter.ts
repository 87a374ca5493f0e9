import { remember } from '@podwire/base';
import { type Clock, systemClock } from './clock.ts';
import type { EventToRecord } from './event-recorder.ts';

/** Events of one source about one object: so many at once, and after that one in so many ms. */
const BURST = 25;
const REFILL = 300_000;
/** Events that differ in their message only: beyond so many within so many ms they are counted as one. */
const SIMILAR = 10;
const SIMILAR_WITHIN = 600_000;
/** Sources and reasons remembered; the oldest are forgotten first. */
const REMEMBERED = 4096;

interface Bucket {
  tokens: number;
  at: number;
}

interface Similar {
  readonly messages: Set<string>;
  at: number;
}

/** Keeps a controller that goes in circles from flooding the API server with Events; the limits are those of client-go. */
export class EventFilter {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();
  readonly #similar = new Map<string, Similar>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** What is to be written instead, most often the same; undefined: nothing. */
  admit(event: EventToRecord): EventToRecord | undefined {
    const combined = this.#combine(event);
    return this.#hasToken(combined) ? combined : undefined;
  }

  #combine(event: EventToRecord): EventToRecord {
    const { object, type, reason, message, component, host } = event;
    const key = JSON.stringify([object, type, reason, component, host]);
    const now = this.#clock.now();
    const present = this.#similar.get(key);
    const similar = present && now - present.at <= SIMILAR_WITHIN ? present : { messages: new Set<string>(), at: now };
    similar.at = now;
    if (similar.messages.size < SIMILAR) similar.messages.add(message);
    remember(this.#similar, key, similar, REMEMBERED);
    if (similar.messages.has(message)) return event;
    // One name for all of them, so that they are counted in one Event.
    return { ...event, message: `(combined from similar events): ${message}`, series: key };
  }

  #hasToken({ object, component, host }: EventToRecord): boolean {
    const key = JSON.stringify([object, component, host]);
    const now = this.#clock.now();
    const { tokens, at } = this.#buckets.get(key) ?? { tokens: BURST, at: now };
    const rest = Math.min(tokens + (now - at) / REFILL, BURST);
    const isAdmitted = rest >= 1;
    remember(this.#buckets, key, { tokens: isAdmitted ? rest - 1 : rest, at: now }, REMEMBERED);
    return isAdmitted;
  }
}
