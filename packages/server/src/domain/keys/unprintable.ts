/**
 * What holds a secret must not say it: not in a log, not in an error, not in a debugger's print-out. Spread `unprintable`
 * into such an object and both `util.inspect` and `JSON.stringify` see "[secret]", in copies of it too.
 */

import { inspect } from 'node:util'

export interface Unprintable {
  readonly toJSON: () => string
  readonly [inspect.custom]: () => string
}

const hidden = (): string => '[secret]'

export const unprintable: Unprintable = { toJSON: hidden, [inspect.custom]: hidden }

/** The same bytes, which from now on print as "[secret]". Bytes cut out of them (`slice`, `subarray`) are plain again. */
export function unprintableBytes(bytes: Uint8Array): Uint8Array {
  const property = { value: hidden, enumerable: false }
  return Object.defineProperties(bytes, { toJSON: property, [inspect.custom]: property })
}
