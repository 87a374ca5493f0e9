export * from './agent.ts';
export { type AgentServer, type AgentServerOptions, serveAgent } from './agent-server.ts';
export * from './memory.ts';
