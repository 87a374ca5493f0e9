import { afterEach } from 'node:test';

interface Closable {
  close(): void;
}

const opened = new Set<Closable>();
afterEach(() => {
  for (const item of opened) item.close();
  opened.clear();
});

/** The same function, but what it opens is closed when the test is over: what a failed test leaves open would keep it running. */
export function closing<A extends unknown[], T extends Closable>(open: (...args: A) => T): (...args: A) => T {
  return (...args) => {
    const item = open(...args);
    opened.add(item);
    return item;
  };
}
