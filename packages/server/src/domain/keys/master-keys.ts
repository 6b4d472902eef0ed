/**
 * The master keys: 32 random bytes each, named by an id of one byte that stands in every token, sealed value and keyed
 * hash made with it. The first key makes new things; the others only read what they made. Where the text comes from
 * (environment, file, credential) is not decided here.
 */

import { hkdfSync } from 'node:crypto'
import type { Entropy } from '../entropy.ts'
import { type Unprintable, unprintable, unprintableBytes } from './unprintable.ts'

export const masterKeyBytes = 32
export const masterKeyIdMax = 255
const masterKeyCharacters = 43
/** For every sentence that refuses a key: what to do instead. */
export const howToMakeMasterKey = "Make one with: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='"

export interface MasterKey extends Unprintable {
  /** 1 to `masterKeyIdMax`. */
  readonly id: number
  readonly secret: Uint8Array
}

export interface MasterKeys {
  /** Makes whatever is new. */
  readonly current: MasterKey
  /** Every key that may still read, the current one first. */
  readonly all: readonly MasterKey[]
}

/** The text is no list of master keys. The message says what to change and never quotes the text. */
export class UnusableMasterKey extends RangeError {
  constructor(message: string) {
    super(message)
    this.name = 'UnusableMasterKey'
  }
}

/**
 * Reads one bare key, which gets id 1, or several `id:key` separated by commas or lines, the current one first. Throws
 * `UnusableMasterKey`. Says nothing about strength: that is `judgeMasterKeys`.
 */
export function parseMasterKeys(text: string): MasterKeys {
  const entries = text
    .split(/[,\n]/)
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
  const [only] = entries
  if (only === undefined) throw new UnusableMasterKey(`The master key is empty. ${howToMakeMasterKey}`)
  const isBare = entries.length === 1 && !only.includes(':')
  return masterKeys(isBare ? [masterKeyOf(1, only)] : entries.map(parseEntry))
}

/** The keys as one list, the first one current. Throws `UnusableMasterKey` on an id that is out of range or given twice. */
export function masterKeys(all: readonly MasterKey[]): MasterKeys {
  const [current] = all
  if (current === undefined) throw new UnusableMasterKey(`There is no master key. ${howToMakeMasterKey}`)
  const ids = new Set<number>()
  for (const { id } of all) {
    if (!isKeyId(id)) throw new UnusableMasterKey(`A master key id is a whole number from 1 to ${masterKeyIdMax}.`)
    if (ids.has(id)) throw new UnusableMasterKey(`Master key id ${id} is given twice. Give every key an id of its own.`)
    ids.add(id)
  }
  return { current, all: [...all] }
}

/** The text `parseMasterKeys` reads, one key a line. It is the secret itself: for a file of mode 0600 and nothing else. */
export function formatMasterKeys(keys: MasterKeys): string {
  return keys.all.map(key => `${key.id}:${Buffer.from(key.secret).toString('base64url')}\n`).join('')
}

export function newMasterKey(entropy: Entropy, id: number): MasterKey {
  return masterKey(id, entropy.bytes(masterKeyBytes))
}

/**
 * A key for one purpose (HKDF-SHA-256, RFC 5869): knowing it tells nothing about the master key or any other purpose.
 * Derived once per key and purpose; purposes are words of our own code, so what is kept is bounded.
 */
export function deriveKey(key: MasterKey, purpose: string): Uint8Array {
  const known = derivedKeys.get(key)?.get(purpose)
  return known ?? deriveAndKeep(key, purpose)
}

const derivedKeys = new WeakMap<MasterKey, Map<string, Uint8Array>>()

function deriveAndKeep(key: MasterKey, purpose: string): Uint8Array {
  const derived = derive(key, purpose)
  const kept = derivedKeys.get(key) ?? new Map<string, Uint8Array>()
  derivedKeys.set(key, kept.set(purpose, derived))
  return derived
}

function derive(key: MasterKey, purpose: string): Uint8Array {
  const noSalt = new Uint8Array(0)
  return unprintableBytes(new Uint8Array(hkdfSync('sha256', key.secret, noSalt, `pawl ${purpose}`, 32)))
}

function parseEntry(entry: string): MasterKey {
  const [id = '', text = '', ...more] = entry.split(':')
  if (more.length > 0 || !/^[1-9][0-9]{0,2}$/.test(id)) {
    throw new UnusableMasterKey(
      `Several master keys are written id:key, with an id from 1 to ${masterKeyIdMax}, separated by commas or lines, the current one first.`,
    )
  }
  return masterKeyOf(Number(id), text)
}

/** Canonical text only: a key that decodes in two ways would be compared, copied and backed up in two ways. */
function masterKeyOf(id: number, text: string): MasterKey {
  const secret = Buffer.from(text, 'base64url')
  if (text.length !== masterKeyCharacters || secret.toString('base64url') !== text) {
    throw new UnusableMasterKey(
      `Master key ${id} is not 32 bytes in base64url: ${masterKeyCharacters} characters of A-Z a-z 0-9 - _ without padding. ${howToMakeMasterKey}`,
    )
  }
  return masterKey(id, new Uint8Array(secret))
}

function masterKey(id: number, secret: Uint8Array): MasterKey {
  return { id, secret: unprintableBytes(secret), ...unprintable }
}

function isKeyId(id: number): boolean {
  return Number.isInteger(id) && id >= 1 && id <= masterKeyIdMax
}
