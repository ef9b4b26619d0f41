import type { Code, Details } from '../../agent/protocol.ts';
import { explain } from './catalogue.ts';

/** Any expected failure outside the target: a code of the catalogue and the facts that fill its words. */
export class HotPatchError extends Error {
  override readonly name = 'HotPatchError';
  readonly code: Code;
  readonly data: Details;

  constructor(code: Code, data: Details = {}, options?: ErrorOptions) {
    const { what, next } = explain(code, data);
    super(`${what} ${next}`, options);
    this.code = code;
    this.data = data;
  }

  /** True for a HotPatchError with this code; guards test codes, never words. */
  static is(error: unknown, code: Code): error is HotPatchError {
    return error instanceof HotPatchError && error.code === code;
  }
}
