export { type Players, startPlayers } from './players.ts';
