import { createServer } from 'node:net';
import type { Endpoint } from './process.ts';

/**
 * True when a bind to this address fails because somebody holds it. It takes the port for a moment, so it is only for
 * systems that do not tell about other users' sockets; clients that ask are serialised by the entry lock.
 */
export function isPortTaken({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(false)));
  });
}
