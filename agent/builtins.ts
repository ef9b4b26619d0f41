import type * as CryptoModule from 'node:crypto';
import type * as FsModule from 'node:fs';
import type * as InspectorModule from 'node:inspector';
import type * as ModuleModule from 'node:module';
import type * as NetModule from 'node:net';
import type * as TimersModule from 'node:timers';
import type * as UrlModule from 'node:url';
import type * as UtilModule from 'node:util';
import type * as V8Module from 'node:v8';
import type * as VmModule from 'node:vm';

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

export const crypto = builtin<typeof CryptoModule>('node:crypto');
export const fs = builtin<typeof FsModule>('node:fs');
export const inspector = builtin<typeof InspectorModule>('node:inspector');
export const module = builtin<typeof ModuleModule>('node:module');
export const net = builtin<typeof NetModule>('node:net');
export const timers = builtin<typeof TimersModule>('node:timers');
export const url = builtin<typeof UrlModule>('node:url');
export const util = builtin<typeof UtilModule>('node:util');
export const v8 = builtin<typeof V8Module>('node:v8');
export const vm = builtin<typeof VmModule>('node:vm');
