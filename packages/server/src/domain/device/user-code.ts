/**
 * The code a person reads off a device and types here (RFC 8628 §6.1): eight of twenty letters, none of them a vowel, so
 * that no two look alike and no word is spelled. That is more than 34 bits, enough where guesses are counted.
 */

import type { Entropy } from '../entropy.ts'

const letters = 'BCDFGHJKLMNPQRSTVWXZ'
export const userCodeLetters = 8
const groupLetters = 4
/** The largest multiple of twenty in a byte: beyond, a byte would favour the first letters. */
const fairBytes = 256 - (256 % letters.length)
/** Whatever people put between the letters; what is longer is no code. */
const typedCharactersMax = 64

export type UserCode = string & { readonly brand: 'UserCode' }

/** Every code is as likely as every other. */
export function newUserCode(entropy: Entropy): UserCode {
  let code = ''
  while (code.length < userCodeLetters) {
    for (const byte of entropy.bytes(userCodeLetters)) {
      if (byte < fairBytes && code.length < userCodeLetters) code += letters[byte % letters.length] ?? ''
    }
  }
  return code as UserCode
}

/** What somebody typed, in whatever case and with whatever between the letters. Null for what is no code. */
export function parseUserCode(typed: string): UserCode | null {
  if (typed.length > typedCharactersMax) return null
  const code = typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
  return pattern.test(code) ? (code as UserCode) : null
}

const pattern = new RegExp(`^[${letters}]{${userCodeLetters}}$`)

/** As it is shown: `WDJB-MJHT`. */
export function shownUserCode(code: UserCode): string {
  return `${code.slice(0, groupLetters)}-${code.slice(groupLetters)}`
}
