import { PodwireError } from '@podwire/base';
import { planContainer, runsAsRoot } from '../players/known-images.ts';
import type { Players } from '../players/players.ts';
import type { ContainerEngine, ContainerSpec, EngineContainer } from './container-engine.ts';
import { hostHas } from './host-programs.ts';
import { PlayedContainer } from './played-container.ts';
import { ProgramContainer } from './program-container.ts';
import { ConnectContainer, PlaceholderContainer, RefusingContainer, UnstartableContainer } from './small-containers.ts';

/** The engine without an image store: containers are played, or run programs of the host. */
export function createBuiltinEngine(players: Players): ContainerEngine {
  return { version: 'podwire://0.1.0', create: async (spec) => createContainer(spec, players) };
}

function createContainer(spec: ContainerSpec, players: Players): EngineContainer {
  const plan = planContainer(spec, (program) => hostHas(spec.mounts.sourceOf(program), spec.env.PATH));
  const { rootRefused } = spec.user;
  if (rootRefused !== undefined && runsAsRoot(plan, spec.image))
    throw new PodwireError('LAB_CONTAINER_CONFIG', rootRefused);
  switch (plan.kind) {
    case 'play':
      return new PlayedContainer(spec, plan, players);
    case 'process':
      return new ProgramContainer(spec, plan.argv);
    case 'connect':
      return new ConnectContainer(spec, plan.request);
    case 'exit':
      return new RefusingContainer(spec, plan.code, plan.message);
    case 'placeholder':
      return new PlaceholderContainer(spec, plan.note);
    case 'unstartable':
      return new UnstartableContainer(spec, plan.message);
  }
}
