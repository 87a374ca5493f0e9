import type { Answer, Place, World } from '../world.fixture.ts';

/** All places that have a server by default. */
export const ALL = ['far:8080', 'near1:8080', 'near2:8080'];

/** So many connections, one after the other. */
export async function many(world: World, count: number, ...target: Parameters<World['connect']>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) answers.push(await world.connect(...target));
  return answers;
}

export const serversOf = (answers: readonly Answer[]): string[] =>
  [...new Set(answers.map(({ server }) => server))].sort();
export const sourcesOf = (answers: readonly Answer[]): string[] =>
  [...new Set(answers.map(({ source }) => source))].sort();

/** Tracked connections of a namespace that are translated. */
export const translated = (world: World, place: Place): string => world.run(place, 'conntrack', '-L', '--any-nat');

export const affinity = (timeoutSeconds: number) => ({
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
});
