/** A JSON Web Key Set (RFC 7517 §5) as it comes from a file, a registration or a `jwks_uri`. One bad key refuses it all. */

import { type ClientKey, isKey, judgeKey } from './client-key.ts'

export const keySetBytesMax = 65_536
export const keySetKeysMax = 32

export type KeySet = { readonly keys: readonly ClientKey[] } | { readonly refusal: string }

/**
 * The keys of a set. A key of a kind nobody here knows is passed over where the set was published for everyone, and is a
 * mistake where it was registered for us alone.
 */
export function judgeKeySet(value: unknown, from: 'registered' | 'published'): KeySet {
  const listed: unknown = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined
  if (!Array.isArray(listed)) return { refusal: 'it has no list of keys' }
  if (listed.length > keySetKeysMax) return { refusal: `it has more than ${keySetKeysMax} keys` }
  const keys: ClientKey[] = []
  for (const [index, each] of listed.entries()) {
    const judged = judgeKey(each)
    if (isKey(judged)) keys.push(judged)
    else if (from === 'registered' || !judged.isUnknown) {
      return { refusal: `of its key number ${index + 1}: ${judged.refusal}` }
    }
  }
  const kids = keys.map(({ kid }) => kid).filter(kid => kid !== null)
  if (from === 'registered' && new Set(kids).size < kids.length) return { refusal: 'two of its keys have one kid' }
  return { keys }
}

/** The same of a text, whose size its caller has bounded. */
export function parseKeySet(text: string, from: 'registered' | 'published'): KeySet {
  try {
    return judgeKeySet(JSON.parse(text), from)
  } catch {
    // Text that is no JSON is no key set; where exactly it breaks helps nobody.
    return { refusal: 'it is no JSON' }
  }
}
