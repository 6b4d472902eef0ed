/** For stores that keep texts and nothing else. */

import type { KeptRecord } from '../custody/custody-store.ts'

/** Its version and text. Throws where a key would be lost in silence: such a key is sealed into the text. */
export function withoutKey({ version, sealed, key }: KeptRecord): KeptRecord {
  if (key !== undefined) throw new TypeError('this store keeps no key objects: its `keepsKeys` says so')
  return { version, sealed }
}
