/** An import of it would also load what it has of WebSocket and fetch: 60 ms at the start of a server, and memory for good. */
export const http = process.getBuiltinModule('node:http');
