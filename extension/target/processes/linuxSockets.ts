import { readFile } from 'node:fs/promises';
import type { Endpoint } from './process.ts';

/** A listening TCP socket; its inode is what /proc/PID/fd links to. */
export interface ListeningSocket extends Endpoint {
  readonly inode: string;
}

/** The listening sockets of the network namespace that `pid` lives in, of all processes; empty when it is gone. */
export async function listeningSockets(pid: number | 'self'): Promise<ListeningSocket[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  );
  return tables.flatMap(parseSocketTable);
}

/** Reads /proc/net/tcp or tcp6 (proc(5)): state 0A is LISTEN, addresses are 32-bit words in host byte order. */
export function parseSocketTable(text: string): ListeningSocket[] {
  const found: ListeningSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [address, port] = (fields[1] ?? '').split(':');
    const inode = fields[9];
    if (fields[3] !== '0A' || address === undefined || port === undefined || inode === undefined) continue;
    found.push({ host: hostOf(address), port: parseInt(port, 16), inode });
  }
  return found;
}

function hostOf(hex: string): string {
  const words = (hex.match(/.{8}/g) ?? []).map((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => parseInt(byte, 16)),
  );
  const bytes = words.flat();
  if (bytes.length === 4) return bytes.join('.');
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (mapped) return bytes.slice(12).join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return '::1';
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[2 * at]! << 8) | bytes[2 * at + 1]!).toString(16),
  );
  return groups.join(':');
}
