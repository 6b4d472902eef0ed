/**
 * Recovery codes stand in for a lost second factor, each once. They are 80 random bits of ours, so a keyed hash is
 * enough, and nobody guesses one within the limits.
 */

import type { Subject } from '@pawl/family'
import type { Entropy } from '../entropy.ts'
import { recoveryCodesCount } from './credentials.ts'
import type { KeyOf } from './known-device.ts'

/** Under every master key, the current one first. */
export interface KeysOf {
  readonly keysOf: (purpose: string, text: string) => readonly string[]
}

export interface NewRecoveryCodes {
  /** For their owner's eyes, once. */
  readonly codes: readonly string[]
  readonly hashes: readonly string[]
}

export function newRecoveryCodes(
  means: { readonly hashes: KeyOf; readonly entropy: Entropy },
  subject: Subject,
): NewRecoveryCodes {
  const codes = Array.from({ length: recoveryCodesCount }, () => newCode(means.entropy))
  const hashes = codes.map(code => means.hashes.keyOf(purpose, named(subject, plain(code))))
  return { codes, hashes }
}

/** What a code would be kept as; empty where the text is no recovery code. Case, spaces and dashes do not count. */
export function recoveryHashes(hashes: KeysOf, subject: Subject, text: string): readonly string[] {
  const code = plain(text)
  return codePattern.test(code) ? hashes.keysOf(purpose, named(subject, code)) : []
}

const purpose = 'recovery-code'
/** Crockford's letters: none is taken for another when it is read from paper. */
const letters = '0123456789abcdefghjkmnpqrstvwxyz'
const codeCharacters = 16
const codePattern = /^[0-9a-hjkmnp-tv-z]{16}$/

/** `abcd-efgh-jkmn-pqrs` */
function newCode(entropy: Entropy): string {
  const characters = Array.from(entropy.bytes(codeCharacters), byte => letters[byte & 31] ?? '')
  return [0, 4, 8, 12].map(from => characters.slice(from, from + 4).join('')).join('-')
}

function plain(text: string): string {
  return text.replace(/[\s-]/g, '').toLowerCase().replace(/o/g, '0').replace(/[il]/g, '1')
}

function named(subject: Subject, code: string): string {
  return `${subject} ${code}`
}
