import { createServer } from 'node:http';
import { quote } from './pricing.js';

/** State that a restart would lose: how many requests this process has answered. */
let served = 0;

const server = createServer((request, response) => {
  served += 1;
  const url = new URL(request.url ?? '/', 'http://localhost');
  const amount = Number(url.searchParams.get('amount') ?? '1');
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ pid: process.pid, served, quote: quote(amount) }));
});

// Port 0 takes a free one; PORT names one.
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`listening ${address.port}`);
});
