/** For stores that keep texts and nothing else. */

import type { KeptRecord } from '../custody/custody-store.ts'
import { withEnd } from './expiry.ts'

/** Its version, text and end. Throws where a key would be lost in silence: such a key is sealed into the text. */
export function withoutKey({ version, sealed, key, expiresAtMs }: KeptRecord): KeptRecord {
  if (key !== undefined) throw new TypeError('this store keeps no key objects: its `keepsKeys` says so')
  return withEnd(version, sealed, expiresAtMs)
}
