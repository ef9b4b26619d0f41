/**
 * Node's own modules, from wherever this process gives them. The agent arrives as text over the inspector, where
 * there is no import and `require` exists only as the inspector's command line API; `process.getBuiltinModule` is
 * there from Node 20.16 on.
 */
declare const require: ((id: string) => unknown) | undefined;

function builtin<T>(id: string): T {
  const get = (process as { getBuiltinModule?: (id: string) => unknown }).getBuiltinModule;
  return (get ? get.call(process, id) : require?.(id)) as T;
}

export const crypto = builtin<typeof import('node:crypto')>('node:crypto');
export const fs = builtin<typeof import('node:fs')>('node:fs');
export const inspector = builtin<typeof import('node:inspector')>('node:inspector');
export const module = builtin<typeof import('node:module')>('node:module');
export const net = builtin<typeof import('node:net')>('node:net');
export const timers = builtin<typeof import('node:timers')>('node:timers');
export const url = builtin<typeof import('node:url')>('node:url');
export const util = builtin<typeof import('node:util')>('node:util');
export const v8 = builtin<typeof import('node:v8')>('node:v8');
